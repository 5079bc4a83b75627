from typing import ClassVar

from requests import Session

class DaraCore:
    _sessions: ClassVar[dict[str, Session]]
