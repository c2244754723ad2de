"""The other side of a tray icon: a StatusNotifierWatcher that it registers with, and its menu read and clicked by D-Bus.

Also what shows notifications, so that a test sees what the user is told.
"""

import subprocess

from gi.repository import Gio, GLib

from desk import until

WATCHER = """<node><interface name="org.kde.StatusNotifierWatcher">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
<property name="RegisteredStatusNotifierItems" type="as" access="read"/>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<property name="ProtocolVersion" type="i" access="read"/>
<signal name="StatusNotifierItemRegistered"><arg type="s"/></signal>
<signal name="StatusNotifierHostRegistered"/></interface></node>"""

NOTIFICATIONS = """<node><interface name="org.freedesktop.Notifications">
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/><arg type="s" direction="out"/></method></interface></node>"""


class Panel:
    """What shows tray icons and notifications."""

    def __init__(self, tray=True):
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        self.items, self.notices = [], []
        if tray:
            self._serve("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher", WATCHER, self._watcher, self._property)
        name, path = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
        self._serve(name, path, NOTIFICATIONS, self._notify, None)

    def _serve(self, name, path, xml, called, read):
        interface = Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0]
        self.bus.register_object(path, interface, called, read, None)
        owned = []
        Gio.bus_own_name_on_connection(self.bus, name, Gio.BusNameOwnerFlags.NONE, lambda *_: owned.append(1), None)
        until(f"{name} is ours", lambda: owned)

    def _watcher(self, _bus, sender, _path, _interface, method, parameters, call):
        if method == "RegisterStatusNotifierItem":
            item = parameters.unpack()[0]
            # Ayatana gives an object's path, others a bus name.
            self.items.append((sender, item) if item.startswith("/") else (item, "/StatusNotifierItem"))
        call.return_value(None)

    def _property(self, _bus, _sender, _path, _interface, name):
        return {
            "RegisteredStatusNotifierItems": GLib.Variant("as", [bus + path for bus, path in self.items]),
            "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
            "ProtocolVersion": GLib.Variant("i", 0),
        }[name]

    def _notify(self, _bus, _sender, _path, _interface, method, parameters, call):
        if method == "Notify":
            _, _, _, title, text, *_ = parameters.unpack()
            self.notices.append(f"{title}: {text}")
            call.return_value(GLib.Variant("(u)", (len(self.notices),)))
        elif method == "GetCapabilities":
            call.return_value(GLib.Variant("(as)", (["body"],)))
        else:
            call.return_value(GLib.Variant("(ssss)", ("test", "test", "1", "1.2")))

    def item(self):
        """The icon that registered last."""
        return Tray(self, *until("a tray icon registers", lambda: self.items)[-1])

    def was_told(self, part):
        return until(f"the user is told {part!r}, not only {self.notices}", lambda: [n for n in self.notices if part in n])


class Tray:
    """One icon."""

    def __init__(self, panel, bus_name, path):
        self.bus, self.name, self.path = panel.bus, bus_name, path
        self.menu_path = self.properties()["Menu"]

    def _call(self, path, interface, method, signature, *arguments):
        sent = GLib.Variant(signature, arguments)
        flags = Gio.DBusCallFlags.NONE
        return self.bus.call_sync(self.name, path, interface, method, sent, None, flags, 5000, None).unpack()

    def properties(self):
        interface = "org.kde.StatusNotifierItem"
        return self._call(self.path, "org.freedesktop.DBus.Properties", "GetAll", "(s)", interface)[0]

    def entries(self):
        """Every entry as (path of texts, id, properties), in order."""
        try:
            layout = self._call(self.menu_path, "com.canonical.dbusmenu", "GetLayout", "(iias)", 0, -1, [])[1]
        except GLib.Error:
            # An icon registers a moment before its menu does.
            return []

        def walk(children, above):
            for number, properties, below in children:
                text = properties.get("label", "--").replace("__", "_")
                yield (*above, text), number, properties
                yield from walk(below, (*above, text))

        return list(walk(layout[2], ()))

    def texts(self):
        """The menu as a person reads it."""
        return ["    " * (len(path) - 1) + path[-1] for path, _, _ in self.entries()]

    def find(self, *wanted):
        """The entry below entries that begin so."""
        for path, number, properties in self.entries():
            if len(path) == len(wanted) and all(text.startswith(part) for text, part in zip(path, wanted)):
                return number, properties
        return None

    def shows(self, *wanted):
        what = f"the menu shows {wanted}"
        try:
            return until(what, lambda: self.find(*wanted))
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows {self.texts()}") from None

    def is_marked(self, *wanted):
        found = self.find(*wanted)
        return bool(found) and found[1].get("toggle-state") == 1

    def click(self, *wanted):
        number, _ = self.shows(*wanted)
        event = ("clicked", GLib.Variant("i", 0), 0)
        self._call(self.menu_path, "com.canonical.dbusmenu", "Event", "(isvu)", number, *event)


def clipboard():
    asked = ["xclip", "-o", "-selection", "clipboard"]
    return subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False).stdout
