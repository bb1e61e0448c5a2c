"""A certificate for 127.0.0.1, made when it is needed: nothing secret is kept anywhere."""

import ssl

import trustme


class Authority:
    """A certificate authority for one stand-in."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    @property
    def certificate(self) -> bytes:
        """The authority's certificate in PEM."""
        return self._authority.cert_pem.bytes()

    def server_context(self) -> ssl.SSLContext:
        """Return the settings of a server that answers to 127.0.0.1 and localhost."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context
