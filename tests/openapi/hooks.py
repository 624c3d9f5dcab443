"""How schemathesis writes bodies that are neither JSON nor a form."""

import schemathesis


@schemathesis.serializer("message/rfc822", "application/mbox", "application/xml", "text/xml")
def as_it_is(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
