"""Whether a tracker's server answers at all: asked in seconds, before anything heavy is imported for it."""

from __future__ import annotations

import os
import socket
import urllib.error
import urllib.parse
import urllib.request

from dltrain.errors import DataError, UsageError, reason_of
from dltrain.wording import without_credentials

PATIENCE = 3.0  # seconds
NAMES = {"mlflow": "MLflow", "wandb": "Weights & Biases"}


def require_answer(to: str, uri: str | None = None) -> None:
    """Refuse a tracker whose server does not answer, or answers that it cannot take the run.

    Args:
        to: "mlflow" or "wandb".
        uri: of the server; None: as the tracker's own variable says. What is no address needs no server.

    Raises:
        DataError: it refuses, is silent, or answers that it is broken.
    """
    place = _server(to, uri)
    if not place.lower().startswith(("http://", "https://")):
        return
    shown = without_credentials(place)
    hint = f"the run is as it was; `dltrain log RUN --to {to}` sends it later"
    try:
        address = urllib.parse.urlsplit(place)
        if to == "mlflow":  # without a password: whoever asks for one is there
            bare = urllib.parse.urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2])).rstrip("/")
            urllib.request.urlopen(f"{bare}/health", timeout=PATIENCE).close()
        else:
            port = address.port or (443 if address.scheme == "https" else 80)
            socket.create_connection((address.hostname or "", port), timeout=PATIENCE).close()
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise DataError(f"{NAMES[to]} at {shown} answers {error.code}", hint=hint) from error
    except TimeoutError as error:
        raise DataError(f"{NAMES[to]} at {shown} does not answer within {PATIENCE:g} s", hint=hint) from error
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        said = reason_of(reason)
        raise DataError(f"{NAMES[to]} at {shown} cannot be reached: {said}", hint=hint) from error
    except ValueError as error:
        raise UsageError(f"{NAMES[to]}: {shown} is no address of a server: {error}") from error


def _server(to: str, uri: str | None) -> str:
    if to == "mlflow":
        return uri or os.environ.get("MLFLOW_TRACKING_URI", "")
    if os.environ.get("WANDB_MODE", "").lower() in ("offline", "disabled", "dryrun"):
        return ""
    return os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai"
