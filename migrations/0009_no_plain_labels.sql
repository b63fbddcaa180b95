-- towpath: after seal_labels
-- The step has sealed every label in the same transaction.
-- squawk-ignore ban-drop-column
ALTER TABLE client DROP COLUMN label;
