"""What keeps data sets away on machines and networks that are not clean: the cause, and a mend that works."""

# ruff: noqa: F811  (fixtures of test_data are named as arguments)
import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from test_data import GOOD, HERE, home, nobody, play, put, server, sha, zipped  # noqa: F401
from utils import data

POSIX = pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in (*PROXIES, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(data, "PATIENCE", 2.0)


@pytest.fixture
def names(home):
    """Surnames of two languages, which lie in one folder."""
    lists = {"Irish": b"Adam\nAhearn\n", "Polish": "Ad\nBraś\nBraś\n".encode()}
    entry = data._registry()["surnames"]
    entry["files"] = {f"names/{k}.txt": sha(v) for k, v in lists.items()}
    return {f"names/{k}.txt": v for k, v in lists.items()}


def tree(folder):
    """Everything below a folder: path → (mode, content)."""
    return {
        str(p.relative_to(folder)): (p.stat().st_mode, p.read_bytes() if p.is_file() else None)
        for p in sorted(folder.rglob("*"))
    }


def only(*urls):
    """Let every set come from these addresses, and the play from ``/a`` there."""
    for entry in data._registry().values():
        entry["urls"] = [url + "/a" for url in urls]
    data._answering.cache_clear()


def said(capsys, call=data.shakespeare):
    """The one line that explains a stand-in."""
    call()
    (line,) = [row for row in capsys.readouterr().out.splitlines() if row.startswith("Stand-in")]
    return line


# Look, don't touch ---------------------------------------------------------------------------------


@POSIX
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
@pytest.mark.parametrize("packed", [False, True])
def test_new_files_follow_the_umask(names, home, server, umask, mode, packed):
    entry = data._registry()["surnames"]
    entry["urls"] = [server.url + ("/data.zip" if packed else "/{file}")]
    server.pages |= {"/" + path.rpartition("/")[2]: (200, c, "") for path, c in names.items()}
    server.pages["/data.zip"] = (200, zipped(names), "")
    before = os.umask(umask)
    try:
        data.surnames()
    finally:
        os.umask(before)
    assert {p.stat().st_mode & 0o777 for p in (home / "names").iterdir()} == {mode}
    assert (home / "names").stat().st_mode & 0o777 == 0o777 & ~umask


@POSIX
def test_the_painted_files_follow_the_umask(home, monkeypatch):
    monkeypatch.setattr(data, "PER_BATCH", 100)
    folder = data._painted()
    listed = [p for p in folder.rglob("*") if p.is_file()]
    assert len(listed) == 8 and {p.stat().st_mode & 0o777 for p in listed} == {0o644}


WRONG = [
    GOOD[:-1],
    b"",
    GOOD.replace(b"\n", b"\r\n"),
    b"<!DOCTYPE html><p>Please log in",
    b"\0" * 9,
]


@pytest.mark.parametrize("content", WRONG)
@pytest.mark.parametrize(
    "call", [data.shakespeare, lambda: data.main([]), lambda: data.is_real("shakespeare")]
)
def test_looking_changes_no_file(home, content, call, monkeypatch, tmp_path):
    mine = tmp_path / "mine"
    for folder in (mine, home):
        put(play(folder), content)
    monkeypatch.setenv("COURSE_DATA", str(mine))
    before = tree(tmp_path)
    call()
    assert tree(tmp_path) == before


@pytest.mark.parametrize("page", [(200, b"?", ""), (404, b"", ""), (200, GOOD, "cut")])
def test_a_download_that_fails_leaves_the_wrong_file(home, server, page):
    put(play(home), GOOD[:-1])
    server.pages["/a"] = page
    only(server.url)
    before = tree(home)
    data.shakespeare()
    assert tree(home) == before


@pytest.mark.parametrize("where", ["the first", "both"])
def test_a_file_that_cannot_be_read_is_named_and_never_renamed(
    home,
    server,
    monkeypatch,
    tmp_path,
    capsys,
    where,
):
    mine = tmp_path / "mine"
    put(play(mine), GOOD)
    monkeypatch.setenv("COURSE_DATA", str(mine))
    closed = [play(mine)]
    if where == "both":
        closed.append(put(play(home), GOOD))
    really = data.pooch.file_hash

    def refuse(file, algorithm):
        if Path(file) in closed:
            raise PermissionError(errno.EACCES, "Permission denied", file)
        return really(file, algorithm)

    monkeypatch.setattr(data.pooch, "file_hash", refuse)
    server.pages["/a"] = (200, GOOD, "")
    only(server.url)
    before = tree(mine)
    text = data.shakespeare()
    out = capsys.readouterr().out
    assert tree(mine) == before
    if where == "both":
        assert "statement" in text and server.gets == []
        assert f"{play(mine)} cannot be read (Permission denied)" in out and "its owner" in out
    else:
        assert text == GOOD.decode(), "data/ can have it"
        assert f"{play(mine)} cannot be read" in out and f"is put into {home}" in out


def test_line_ends_are_named_and_put_right_by_fetch_without_a_network(names, home, capsys):
    for path, content in names.items():
        put(home / path, content.replace(b"\n", b"\r\n"))
    before = tree(home)
    line = said(capsys, data.surnames)
    assert "line ends changed" in line and "as 1 more of its files" in line and "git" in line
    assert data.main([]) == 0 and tree(home) == before
    data.main(["--fetch"])
    assert {path: (home / path).read_bytes() for path in names} == names
    assert len(list((home / "names").glob("*.damaged-*"))) == 2, "kept, beside the right ones"


def test_a_wrong_file_goes_aside_only_when_the_right_one_is_there(home, server, monkeypatch):
    put(play(home), GOOD[:-1])
    server.pages["/a"] = (200, GOOD, "")
    only(server.url)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(data.shutil, "copyfile", full)
    before = tree(home)
    data.shakespeare()
    assert tree(home) == before


# The true cause: $COURSE_DATA -----------------------------------------------------------------------


def test_a_mistyped_folder_is_named_with_the_one_that_was_meant(
    home, server, tmp_path, monkeypatch, capsys
):
    put(play(tmp_path / "Shared data"), GOOD)
    server.pages["/a"] = (200, GOOD, "")
    only(server.url)
    for wish, meant in {
        tmp_path / "Shard data": tmp_path / "Shared data",
        tmp_path / "shared data": tmp_path / "Shared data",
        f'"{tmp_path / "Shared data"}"': tmp_path / "Shared data",
        "$PLACE/Shared data": tmp_path / "Shared data",
        "standin": "stand-in",
        "Stand_In": "stand-in",
    }.items():
        if os.path.isdir(wish):
            continue  # a file system to which upper and lower case are one
        monkeypatch.setenv("PLACE", str(tmp_path))
        monkeypatch.setenv("COURSE_DATA", str(wish))
        before = tree(tmp_path)
        assert data.main([]) == 0
        assert data.main(["--fetch"]) == 1
        out = capsys.readouterr().out
        assert f"not there: did you mean {meant}?" in out, wish
        assert "Nothing is fetched" in out and tree(tmp_path) == before and server.gets == []
        monkeypatch.setenv("COURSE_DATA", str(meant))  # the advice, followed
        assert data._folders()[1] == ""


def test_a_relative_folder_seen_from_where_the_reader_stands(home, tmp_path, monkeypatch, capsys):
    put(play(tmp_path / "elsewhere" / "sets"), GOOD)
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("COURSE_DATA", "sets")
    assert f"did you mean {tmp_path / 'elsewhere' / 'sets'}?" in said(capsys)


def test_a_folder_that_nothing_resembles_is_not_made(home, tmp_path, monkeypatch, capsys):
    wish = tmp_path / "quite" / "another"
    monkeypatch.setenv("COURSE_DATA", str(wish))
    line = said(capsys)
    assert f"COURSE_DATA is {wish}, which is not there" in line and "make that folder" in line
    for folder in (wish / "pictures", wish / ".." / "another" / "pictures"):
        with pytest.raises(FileNotFoundError), data._scratch(folder):
            pass
    assert not wish.parent.exists()
    wish.mkdir(parents=True)  # the advice, followed
    assert "COURSE_DATA" not in said(capsys)


def test_a_file_where_the_folder_should_be(home, tmp_path, monkeypatch, capsys):
    put(play(tmp_path / "sets"), GOOD)
    monkeypatch.setenv("COURSE_DATA", str(put(tmp_path / "sets" / "all.zip", b"PK")))
    line = said(capsys)
    assert f"COURSE_DATA is {tmp_path / 'sets' / 'all.zip'}, a file: name the folder" in line
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "sets"))
    assert data.shakespeare() == GOOD.decode()


def test_a_mistyped_folder_is_said_once_where_the_set_is_in_data(
    home, tmp_path, monkeypatch, capsys
):
    put(play(home), GOOD)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "no such"))
    assert data.shakespeare() == data.shakespeare() == GOOD.decode()
    out = capsys.readouterr().out
    assert out.count("which is not there") == 1 and f"taken from {home}" in out


@pytest.mark.parametrize(
    ("inside", "wish"),
    [("data", "."), ("course/data", "."), (".", "shakespeare"), ("cifar", "."), (".", "other")],
)
def test_a_set_that_lies_one_folder_off_is_used_and_named(
    home,
    tmp_path,
    monkeypatch,
    capsys,
    inside,
    wish,
):
    top = tmp_path / "top"
    put(play(top / inside), GOOD)
    (top / wish).mkdir(exist_ok=True)
    monkeypatch.setenv("COURSE_DATA", str(top / wish))
    before = tree(top)
    assert data.shakespeare() == GOOD.decode() and tree(top) == before
    place = os.path.normpath(top / inside)
    assert f"set COURSE_DATA to {place}\n" in capsys.readouterr().out
    monkeypatch.setenv("COURSE_DATA", place)
    assert data.shakespeare() == GOOD.decode() and capsys.readouterr().out == ""


def test_files_without_their_folder(names, home, tmp_path, monkeypatch, capsys):
    mine = tmp_path / "mine"
    for path, content in names.items():
        put(mine / Path(path).name, content)
    monkeypatch.setenv("COURSE_DATA", str(mine))
    line = said(capsys, data.surnames)
    assert (
        f"{mine / 'Irish.txt'} and 1 more files" in line
        and f"move them into {mine / 'names'}" in line
    )
    (mine / "names").mkdir()
    for path in names:
        (mine / Path(path).name).rename(mine / path)
    assert data.surnames()["Irish"] == ["Adam", "Ahearn"] and capsys.readouterr().out == ""


def test_part_of_a_set_is_named(names, home, capsys):
    put(home / "names/Irish.txt", names["names/Irish.txt"])
    assert "1 of the set's 2 files, such as names/Polish.txt, not there" in said(
        capsys, data.surnames
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n <!doctype HTML><title>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
        (GOOD[:99], "is damaged, or another file"),
    ],
)
def test_what_lies_there_is_said(home, capsys, content, words):
    put(play(home), content)
    line = said(capsys)
    assert f"{play(home)} " in line and words in line and "fetches it again" in line
    data.main([])
    assert words in capsys.readouterr().out


# Archives that somebody has laid there


def tarred(files, kind="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=kind) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid = len(content), 0o600, 12345
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("names.zip", zipped),
        ("names (1).zip", zipped),
        (
            "data.zip",
            lambda files: zipped({f"data/{k}": v for k, v in files.items()} | {"data/x": b"x"}),
        ),
        ("names.tar.gz", tarred),
        ("names.tgz", lambda files: tarred({"../../" + k: v for k, v in files.items()})),
        ("names.tar", lambda files: tarred(files, "w")),
    ],
)
def test_a_lone_archive_is_named_by_list_and_used(
    names,
    home,
    tmp_path,
    monkeypatch,
    capsys,
    name,
    pack,
):
    data._registry()["surnames"]["urls"].append("https://127.0.0.1:9/data.zip")
    mine = tmp_path / "mine"
    put(mine / name, pack(names))
    monkeypatch.setenv("COURSE_DATA", str(mine))
    before = tree(tmp_path)
    data.main([])
    assert (
        f"{mine / name} is not unpacked: " in capsys.readouterr().out and tree(tmp_path) == before
    )
    assert data.surnames() == {"Irish": ["Adam", "Ahearn"], "Polish": ["Ad", "Braś", "Braś"]}
    assert "Stand-in" not in capsys.readouterr().out
    assert {path: (mine / path).read_bytes() for path in names} == names
    assert sorted(p.name for p in mine.iterdir()) == ["names", name] if name > "names" else True
    if os.name != "nt":
        assert (mine / "names/Irish.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("pack", "words"),
    [
        (lambda files: tarred(files)[:-30], "is damaged or incomplete"),
        (lambda files: b"", "is damaged or incomplete"),
        (lambda files: b"<html>not found</html>", "is damaged or incomplete"),
        (lambda files: tarred(dict.fromkeys(files, b"?")), "has another version of the set"),
    ],
)
def test_an_archive_that_is_no_good_is_named_and_left(names, home, capsys, pack, words):
    archive = put(home / "names.tar.gz", pack(names))
    before = tree(home)
    line = said(capsys, data.surnames)
    assert f"{archive} {words}" in line and "replace it" in line and "no network" in line
    assert tree(home) == before


def test_an_archive_in_a_read_only_folder_is_unpacked_into_data(
    names,
    home,
    tmp_path,
    monkeypatch,
):
    mine = tmp_path / "mine"
    put(mine / "names.zip", zipped(names))
    monkeypatch.setenv("COURSE_DATA", str(mine))
    really = data.tempfile.TemporaryDirectory

    def no_scratch(*args, dir, **kwargs):
        if Path(dir) == mine:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(*args, dir=dir, **kwargs)

    monkeypatch.setattr(data.tempfile, "TemporaryDirectory", no_scratch)
    assert len(data.surnames()) == 2 and (home / "names/Irish.txt").exists()


# The true cause: the network -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody has signed."""
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes a certificate, is not here")
    folder = tmp_path_factory.mktemp("certificate")
    files = {"keyout": folder / "key.pem", "out": folder / "cert.pem"}
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += [word for name, file in files.items() for word in (f"-{name}", str(file))]
    subprocess.run(command, check=True, capture_output=True)
    return files


def test_a_refused_certificate_and_its_mend(home, server, certificate, monkeypatch, capsys):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate["out"], certificate["keyout"])
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.pages["/a"] = (200, GOOD, "")
    only(server.url.replace("http:", "https:"))
    line = said(capsys)
    assert "certificate is refused (self" in line and "REQUESTS_CA_BUNDLE" in line
    assert "date" in line and "no network" not in line
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate["out"]))
    data._answering.cache_clear()
    assert data.shakespeare() == GOOD.decode()


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_are_not_there(home, monkeypatch, capsys, tmp_path, name, recwarn):
    only("https://127.0.0.1:9")
    monkeypatch.setenv(name, str(tmp_path / "no.pem"))
    line = said(capsys)
    assert f"{name} is {tmp_path / 'no.pem'}, which is not there" in line
    monkeypatch.delenv(name)
    data._answering.cache_clear()
    assert name not in said(capsys) and not recwarn.list


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", ["{}_PROXY", "{}_proxy", "ALL_PROXY"])
def test_a_dead_proxy_is_named_without_its_password(
    home, server, monkeypatch, capsys, scheme, name
):
    if os.name == "nt" and name.islower():
        pytest.skip("names of variables have no case there")
    name = name.replace("{}", scheme.upper() if name.isupper() else scheme)
    proxy = nobody().removeprefix("http://")
    monkeypatch.setenv(name, f"http://me:secret@{proxy}")
    only(f"{scheme}://files.example")
    line = said(capsys)
    assert f"({name}) does not answer: correct it, or unset it" in line and proxy in line
    assert "secret" not in line and "no network" not in line
    monkeypatch.delenv(name)
    server.pages["/a"] = (200, GOOD, "")
    only(server.url)
    assert data.shakespeare() == GOOD.decode()


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://127.0.0.1:9", "is one for SOCKS"),
        ("http://no-such-proxy.invalid:3128", "does not answer"),
        ("http://[bad", "does not answer"),
        ("127.0.0.1:9", "does not answer"),
    ],
)
def test_proxies_of_other_kinds(home, monkeypatch, capsys, proxy, words):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    only("https://files.example")
    line = said(capsys)
    assert f"the proxy {proxy} (HTTPS_PROXY) {words}" in line and "no network" not in line


class Portal(BaseHTTPRequestHandler):
    """A proxy that answers everything with a page of its own, or with the status that it was told."""

    def do_GET(self):
        page = b"<html><body>Welcome! Please log in.</body></html>"
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)
        self.close_connection = True

    do_HEAD = do_CONNECT = do_GET

    def log_message(self, *args):
        pass


@pytest.fixture
def portal():
    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as httpd:
        httpd.daemon_threads, httpd.status = True, 200
        httpd.url = f"http://127.0.0.1:{httpd.server_port}"
        threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
        yield httpd
        httpd.shutdown()


@pytest.mark.parametrize(
    ("scheme", "status", "words"),
    [
        ("http", 200, "sent a web page in place of the file: log in"),
        ("https", 200, "answers in place of the server"),
        ("http", 407, "asks for a login: give it as http://NAME:PASSWORD@HOST:PORT"),
        ("https", 407, "asks for a login: give it as http://NAME:PASSWORD@HOST:PORT"),
        ("http", 403, "answered 403"),
        ("https", 403, "refuses (403 Forbidden)"),
        ("https", 501, "refuses (501"),
    ],
)
def test_a_proxy_that_answers_with_a_page(home, portal, monkeypatch, capsys, scheme, status, words):
    portal.status = status
    monkeypatch.setenv(f"{scheme}_proxy", portal.url)
    only(f"{scheme}://files.example", f"{scheme}://copy.example")
    line = said(capsys)
    assert words in line and "no network" not in line, line
    if "page" not in words:
        assert f"127.0.0.1:{portal.server_port} ({scheme}_proxy)" in line


def test_a_login_page_instead_of_an_archive(names, home, server, capsys):
    only(server.url)
    data._registry()["surnames"]["urls"] = [server.url + "/data.zip"]
    server.pages["/data.zip"] = (200, b"<html>Welcome</html>", "")
    assert "sent a web page in place of the file: log in" in said(capsys, data.surnames)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://no-such-name.invalid", "no network, as no server's name is found"),
        ("http://127.0.0.1:9", "no network, or a firewall, as the connection is refused"),
    ],
)
def test_no_network_says_what_was_seen(home, capsys, url, words):
    only(url)
    line = said(capsys)
    assert words in line and data.FETCH in line


def test_a_server_that_never_speaks(home, monkeypatch, capsys):
    monkeypatch.setattr(data, "PATIENCE", 0.5)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        only(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        assert "no answer in" in said(capsys)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ((404, b"", ""), "answered 404: update the course"),
        ((503, b"", ""), "answered 503: "),
        ((200, b"other", ""), "sent another file: update the course"),
        ((200, GOOD, "cut"), "broke off: "),
    ],
)
def test_different_servers_fail_for_different_reasons(home, server, capsys, page, words):
    server.pages["/a"] = page
    only(server.url, "http://no-such-name.invalid")
    line = said(capsys)
    assert f"127.0.0.1:{server.server_port}: {words}" in line
    assert "no-such-name.invalid: no network" in line


def test_a_full_disk_is_not_the_network(home, server, monkeypatch, capsys):
    server.pages["/a"] = (200, GOOD, "")
    only(server.url)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(data.pooch.HTTPDownloader, "__call__", full)
    line = said(capsys)
    assert "No space left on device" in line and "COURSE_DATA" in line and "network" not in line


def test_fetch_prints_the_cause_too(home, portal, monkeypatch, capsys):
    monkeypatch.setenv("http_proxy", portal.url)
    only("http://files.example")
    assert data.main(["--fetch"]) == 1
    out = capsys.readouterr().out
    assert out.count("sent a web page") == len(data._registry())


# Any console


@pytest.mark.parametrize("coding", ["ascii", "cp437"])
def test_the_table_on_any_console(coding, tmp_path):
    mine = tmp_path / "Käthes Dateien ✓"
    mine.mkdir()
    env = os.environ | {"PYTHONIOENCODING": coding, "COURSE_DATA": str(mine), "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "utils.data"]
    done = subprocess.run(command, cwd=HERE.parent, env=env, capture_output=True)
    assert done.returncode == 0 and b"Error" not in done.stderr
    with contextlib.suppress(json.JSONDecodeError):
        assert b"diabetes" in done.stdout


def test_the_checksums_are_those_of_hashlib():
    assert data._checksum(GOOD, "md5") == hashlib.md5(GOOD).hexdigest()
    assert zipfile.is_zipfile(io.BytesIO(zipped({"a": b"b"})))
