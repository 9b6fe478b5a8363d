"""The enrolment of a device for one-time passwords: a QR code, and the first code of the device."""

from typing import Final

import click

from kk99fix.onboarding.credentials import Enrolment, new_enrolment

TRIES: Final = 5


def enrol(comp_id: str, issuer: str, *, code_later: bool) -> Enrolment | None:
    """Show a new seed on standard error and wait for a code of it; None when none was right.

    Nothing is kept here: a seed whose device shows no code has never been.
    """
    enrolment = new_enrolment(comp_id, issuer)
    click.echo(f"\nOne-time passwords for {comp_id}: scan this, or type in the secret.\n", err=True)
    click.echo(enrolment.qr_code(), err=True)
    click.echo(f"{enrolment.uri}\nsecret: {enrolment.secret}\n", err=True)
    if code_later:
        return enrolment
    for _ in range(TRIES):
        if enrolment.accepts(click.prompt("code that the device shows", err=True)):
            return enrolment
        click.echo("that is not the code of now; look at the device and at its clock", err=True)
    return None
