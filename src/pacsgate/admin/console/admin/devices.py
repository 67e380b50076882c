"""`/admin/devices`: the remote application entities that are known here, made, changed and locked.

Called by `routes`; calls `ManagedDevices`.
"""

from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.admin.desk import AdminDesk, Turn, instant, words_of
from pacsgate.admin.console.forms import Form
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission

_NEEDS = Permission.DEVICE_ADMINISTER


def devices_routes(desk: AdminDesk) -> list[Route]:
    """The routes."""
    pages = _Devices(desk)
    shown, new = (_NEEDS, pages.show), (_NEEDS, pages.show_new)
    # Last in the path, for a title may hold a slash.
    path, title = "/admin/devices", "{ae_title:path}"
    return [
        Route("/admin/devices", desk.page(_NEEDS, pages.show_all), methods=["GET"]),
        Route("/admin/devices/new", desk.page(*new), methods=["GET"]),
        Route("/admin/devices/new", desk.form(_NEEDS, pages.add, new), methods=["POST"]),
        Route(f"{path}/at/{title}", desk.page(*shown), methods=["GET"]),
        Route(f"{path}/at/{title}", desk.form(_NEEDS, pages.change, shown), methods=["POST"]),
        Route(f"{path}/remove/{title}", desk.form(_NEEDS, pages.remove, shown), methods=["POST"]),
        Route(f"{path}/lock/{title}", desk.form(_NEEDS, pages.lock, shown), methods=["POST"]),
        Route(f"{path}/unlock/{title}", desk.form(_NEEDS, pages.unlock, shown), methods=["POST"]),
    ]


class _Devices:
    def __init__(self, desk: AdminDesk) -> None:
        self._devices = desk.managed.devices

    def show_all(self, turn: Turn) -> Response:
        """Every device."""
        return turn.render("devices.html", devices=self._devices.devices(turn.mandate))

    def show(self, turn: Turn) -> Response:
        """One device."""
        return turn.render(
            "device.html", device=self._devices.device(turn.mandate, turn["ae_title"]), is_new=False
        )

    def show_new(self, turn: Turn) -> Response:
        """A form for a new one."""
        return turn.render("device.html", device=RemoteAe(""), is_new=True)

    def add(self, turn: Turn, form: Form) -> str:
        """Make it known."""
        device = self._devices.add(turn.mandate, _device(form["ae_title"].strip(), form))
        return _path(device.ae_title, "added")

    def change(self, turn: Turn, form: Form) -> str:
        """Replace what is known of it."""
        device = self._devices.change(turn.mandate, _device(turn["ae_title"], form))
        return _path(device.ae_title, "changed")

    def remove(self, turn: Turn, _form: Form) -> str:
        """Forget it."""
        self._devices.remove(turn.mandate, turn["ae_title"])
        return "/admin/devices?done=removed"

    def lock(self, turn: Turn, form: Form) -> str:
        """Keep it out at once."""
        self._devices.lock(turn.mandate, turn["ae_title"], form["reason"], instant(form, "until"))
        return _path(turn["ae_title"], "locked")

    def unlock(self, turn: Turn, _form: Form) -> str:
        """Let it in again."""
        self._devices.unlock(turn.mandate, turn["ae_title"])
        return _path(turn["ae_title"], "unlocked")


def _path(ae_title: str, done: str) -> str:
    return f"/admin/devices/at/{quote(ae_title)}?done={done}"


def _device(ae_title: str, form: Form) -> RemoteAe:
    port = form["port"].strip()
    if port and not (port.isascii() and port.isdigit()):
        raise RequestError("a port is a number: 1 to 65535")
    return RemoteAe(
        ae_title=ae_title,
        account=form["account"].strip() or None,
        networks=tuple(sorted(words_of(form["networks"]))),
        certificate_sha256=form["certificate_sha256"].strip().replace(":", "").lower() or None,
        title_is_enough="title_is_enough" in form,
        vouches_for=words_of(form["vouches_for"]),
        host=form["host"].strip() or None,
        port=int(port) if port else None,
        tls="tls" in form,
        owner=form["owner"].strip(),
        description=form["description"].strip(),
        valid_until=instant(form, "valid_until"),
        disabled="disabled" in form,
    )
