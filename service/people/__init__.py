"""The practice and who works in it: therapists, their devices, sign-ins and invitations."""
