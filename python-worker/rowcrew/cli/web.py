"""`rowcrew web` and `rowcrew web users`: the API, metrics and health over HTTP, and who may use them."""

from __future__ import annotations

import ipaddress
import re
import sys
from getpass import getpass
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.admin import web_users as admin
from rowcrew.cli import SUCCESS, UsageError
from rowcrew.cli.asking import ask
from rowcrew.cli.job_options import seconds
from rowcrew.cli.options import AsJson, read_settings, refuse_beside_several
from rowcrew.cli.output import print_documents
from rowcrew.cli.tables import print_table
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import Settings
from rowcrew.settings.readers import Network, Secret
from rowcrew.table.web_users import WebRole

if TYPE_CHECKING:
    from rowcrew.web.proxy import Proxy

LIST_COLUMNS = ("name", "role", "readsPayloads", "sessions", "tokens", "createdAt")

web = App(name="web", help="Serve the API, health and metrics over HTTP.")
users = App(name="users", help="Who may use the web.")
web.command(users)

Name = Annotated[str, Parameter(name="NAME", help="Of the user: a-z 0-9 _ . @ -")]


@web.default
def serve(
    *,
    host: Annotated[
        str, Parameter(help="Address to listen on; without users of this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[
        int, Parameter(validator=Number(gte=0, lte=65535), help="Port; 0 = any free one.")
    ] = 8000,
    prefix: Annotated[str, Parameter(help="Path under which a proxy has it, and takes away: /rowcrew.")] = "",
    proxy_header: Annotated[
        str | None, Parameter(help="Header in which a proxy names who has signed in: X-Forwarded-User.")
    ] = None,
    proxy_address: Annotated[
        tuple[str, ...], Parameter(help="Believe it from here alone: 10.1.0.5, 10.1.0.0/24; may be repeated.")
    ] = (),
    proxy_role: Annotated[
        WebRole | None, Parameter(help="What people may do whom the proxy names and who are no users.")
    ] = None,
    proxy_sign_out: Annotated[
        str | None, Parameter(help="Where the proxy signs people out: /oauth2/sign_out.")
    ] = None,
) -> int:
    """Serve the API, health and metrics until SIGTERM or SIGINT.

    While there are no users, only programs and browsers of this machine are
    answered; from elsewhere: ssh -L 8000:127.0.0.1:8000 HOST. With the first
    `rowcrew web users add` everybody has to sign in or show a token.

    With --proxy-header a proxy signs people in. It is believed from each
    --proxy-address, and where WEB_PROXY_SECRET is set only with that in its
    header X-Proxy-Secret.

    With DATABASE_URLS it serves each of the databases below /db/NAME, with the
    users of the first.
    """
    try:
        from rowcrew.web import app, several
        from rowcrew.web.guard import is_loopback
        from rowcrew.web.serving import listen
        from rowcrew.web.serving import serve as run
    except ModuleNotFoundError as error:
        raise RowcrewError(f"{error.name} is not installed: pip install 'rowcrew[web]'") from error
    if prefix and not re.fullmatch(r"(/[\w.~-]+)+/?", prefix, re.ASCII):
        raise UsageError(f"--prefix {prefix}: give a path that begins with a slash, such as /rowcrew")
    settings = read_settings()
    if settings.databases:
        refuse_beside_several({"DATABASE_URL": settings.database_url})
    proxy = _proxy(proxy_header, proxy_address, proxy_role, proxy_sign_out, settings.web_proxy_secret)
    if proxy is None and not is_loopback(host) and not ask(_with_users(), admin.has_users):
        raise UsageError(
            f"--host {host}: there are no users, so only this machine may ask: add one with"
            f" `rowcrew web users add`, or listen on 127.0.0.1 and use ssh -L {port}:127.0.0.1:{port} HOST"
        )
    try:
        listener = listen(host, port)
    except OSError as error:
        raise RowcrewError(f"--host {host} --port {port}: {error.strerror}; choose another") from error
    with listener:
        named = f"[{host}]" if ":" in host else host
        print(f"Serving http://{named}:{listener.getsockname()[1]}", flush=True)
        is_open = not is_loopback(host)
        if settings.databases:
            served = several.application(settings.databases, is_open=is_open, proxy=proxy)
        else:
            served = app.application(settings.require_database_url(), is_open=is_open, proxy=proxy)
        networks = proxy.networks if proxy else ()
        run(served.app, listener, prefix=prefix.rstrip("/"), on_stop=served.stop, proxies=networks)
    return SUCCESS


@users.command
def add(
    name: Name,
    /,
    *,
    role: Annotated[WebRole, Parameter(help="What the user may do.")] = "viewer",
    reads_payloads: Annotated[
        bool, Parameter(help="Let a viewer read payloads and results as well.")
    ] = False,
    password_stdin: Annotated[bool, Parameter(help="Read the password from standard input.")] = False,
    no_password: Annotated[
        bool, Parameter(help="Give none: a proxy says who this is, or a token does.")
    ] = False,
    replace: Annotated[
        bool, Parameter(help="Give a user another role and password; ends all sessions and tokens.")
    ] = False,
) -> None:
    """Add a user of the web.

    viewer: looks, without payloads and results; operator: also enqueues,
    cancels, requeues, pauses; admin: also limits, schedules and workers. The
    password comes from a prompt or from standard input, never from the
    command line, which others on this machine can read.
    """
    if no_password and password_stdin:
        raise UsageError("--no-password and --password-stdin: give one of them")
    password = None if no_password else sys.stdin.readline().rstrip("\n") if password_stdin else _asked()
    ask(
        _with_users(),
        lambda link: admin.add(
            link, name, role=role, reads_payloads=reads_payloads, password=password, replace=replace
        ),
    )
    print(f"{name}: {'replaced' if replace else 'added'} as {role}")


@users.default
@users.command(name="list")
def list_users(*, json: AsJson = False) -> None:
    """List the users of the web, with the sessions and tokens that hold."""
    rows = ask(_with_users(), admin.list_all)
    if json:
        print_documents(rows)
    elif rows:
        print_table(
            [
                {
                    "name": row.name,
                    "role": row.role,
                    "readsPayloads": row.reads_payloads,
                    "sessions": row.sessions,
                    "tokens": row.tokens,
                    "createdAt": row.created_at,
                }
                for row in rows
            ],
            LIST_COLUMNS,
        )
    else:
        print("There are no users; add one with `rowcrew web users add`.", file=sys.stderr)


@users.command
def remove(name: Name, /) -> None:
    """Remove a user; sessions and tokens end within a quarter of a minute."""
    ask(_with_users(), lambda link: admin.remove(link, name))
    print(f"{name}: removed")


@users.command
def token(
    name: Name,
    /,
    *,
    expires: Annotated[str | None, Parameter(help="It holds for so long: 12h, 90d; else for ever.")] = None,
    revoke: Annotated[
        bool, Parameter(help="Make none; end all tokens and sessions of the user instead.")
    ] = False,
) -> None:
    """Print a token for programs of a user: Authorization: Bearer TOKEN. It is shown this once."""
    if revoke:
        ended = ask(_with_users(), lambda link: admin.revoke(link, name))
        print(f"{name}: {ended} sessions and tokens ended")
        return
    lasts = None if expires is None else seconds("--expires", expires)
    print(ask(_with_users(), lambda link: admin.new_token(link, name, seconds=lasts)))


def _with_users() -> Settings:
    """The settings, with the database that has the users: of several the first."""
    settings = read_settings()
    if settings.database_url is None and settings.databases:
        return msgspec.structs.replace(settings, database_url=settings.databases[0].url)
    return settings


def _proxy(
    header: str | None,
    addresses: tuple[str, ...],
    role: WebRole | None,
    sign_out: str | None,
    secret: Secret | None,
) -> Proxy | None:
    """The proxy that these options mean; None = there is none."""
    from rowcrew.web.proxy import PROOF_HEADER, Proxy

    if header is None:
        if addresses or role or sign_out:
            raise UsageError("--proxy-address, --proxy-role, --proxy-sign-out: say in which --proxy-header")
        return None
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", header):
        raise UsageError(f"--proxy-header {header}: give the name of a header, such as X-Forwarded-User")
    if sign_out and not re.fullmatch(r"(https://[^/\s]|/(?!/))[!-~]*", sign_out):
        raise UsageError(f"--proxy-sign-out {sign_out}: give a path or an https address")
    if not addresses and secret is None:
        raise UsageError(
            f"--proxy-header {header}: anybody could send it; say from which --proxy-address, or set"
            f" WEB_PROXY_SECRET to what the proxy shows in {PROOF_HEADER}"
        )
    return Proxy(header, tuple(map(_network, addresses)), secret, role, sign_out)


def _network(text: str) -> Network:
    try:
        found = ipaddress.ip_network(text)
    except ValueError as error:
        raise UsageError(f"--proxy-address {text}: {error}; give 10.1.0.5 or 10.1.0.0/24") from error
    if found.prefixlen == 0:
        raise UsageError(f"--proxy-address {text}: everybody is in there; give the address of the proxy")
    return found


def _asked() -> str:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password: give it with --password-stdin")
    password = getpass("Password: ")
    if password != getpass("Again: "):
        raise UsageError("the two passwords differ")
    return password
