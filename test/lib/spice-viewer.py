"""
The SPICE library of remote-viewer without a window: connects with the values of a .vv file (JSON on standard input)
and prints a JSON list of the channels that it could open, once the first screen is among them.
"""
import json
import sys
import tempfile

import gi

gi.require_version("SpiceClientGLib", "2.0")
from gi.repository import GLib, GObject, SpiceClientGLib  # noqa: E402

fields = json.load(sys.stdin)
ca_file = tempfile.NamedTemporaryFile(mode="w", suffix=".pem")
ca_file.write(fields["ca"])
ca_file.flush()
loop = GLib.MainLoop()
session = SpiceClientGLib.Session()
for name, value in {
    "host": fields["host"],
    "tls-port": str(fields["tls-port"]),
    "password": fields["password"],
    "proxy": fields["proxy"],
    "ca-file": ca_file.name,
    "cert-subject": fields["host-subject"],
    # Both is right: the subject has to fit, whatever the host is called.
    "verify": SpiceClientGLib.SessionVerify.SUBJECT,
}.items():
    session.set_property(name, value)

opened = []


def on_event(channel, event):
    name = type(channel).__name__
    if event != SpiceClientGLib.ChannelEvent.OPENED:
        error = channel.get_error()
        print(f"{name}: {event.value_nick}: {error.message if error else ''}", file=sys.stderr)
        return loop.quit()
    opened.append(name)
    if name == "DisplayChannel":
        print(json.dumps(opened))
        loop.quit()


# Sessions and channels have a method "connect" of their own, in front of that for signals.
def on_channel(_session, channel):
    GObject.Object.connect(channel, "channel-event", on_event)
    if type(channel).__name__ == "DisplayChannel":
        channel.connect()


GObject.Object.connect(session, "channel-new", on_channel)
GLib.timeout_add_seconds(30, loop.quit)
session.connect()
loop.run()
sys.exit(0 if "DisplayChannel" in opened else 1)
