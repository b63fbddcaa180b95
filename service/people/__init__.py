"""The practice and who works in it: therapists, devices, sign-ins, invitations."""
