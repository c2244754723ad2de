"""The one moment at which everything is signed, so that a signature is the same at every recording, and AWS's example keys."""

import contextlib
import datetime
import unittest.mock

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
# AWS's own example, which opens nothing.
ACCESS = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION = "fake-session-token"
REGION = "us-east-1"


def aws():
    return unittest.mock.patch("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: MOMENT.replace(tzinfo=None))


@contextlib.contextmanager
def google():
    with unittest.mock.patch("google.auth._helpers.utcnow", lambda: MOMENT.replace(tzinfo=None)):
        yield
