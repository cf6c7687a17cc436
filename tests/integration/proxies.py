"""A network under the test's control: a TCP proxy before a database's socket, which can be told to go deaf, to dawdle or to hang up."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg


class Proxy:
    """Listens on 127.0.0.1 and passes everything on, both ways, until it is told otherwise. Nothing is closed by going deaf."""

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_hearing = threading.Event()
        self._is_hearing.set()
        self._is_closed = False
        self._sockets: list[socket.socket] = []
        #: whether whoever connects is sent away, as where no server runs
        self.is_refusing = False
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        #: goes deaf by itself after so many bytes from clients; None for never
        self.deaf_after_bytes: int | None = None
        #: goes deaf by itself before it passes on an answer that holds this; None for never
        self.deaf_before_answer: bytes | None = None
        #: what each piece takes, in either direction, in seconds
        self.delay_s = 0.0

    @property
    def is_deaf(self) -> bool:
        return not self._is_hearing.is_set()

    def go_deaf(self) -> None:
        """From now on nothing is read, in either direction: packets are lost, connections stay open."""
        self._is_hearing.clear()

    def hear_again(self) -> None:
        self.deaf_after_bytes = self.deaf_before_answer = None
        self._is_hearing.set()

    def hang_up(self) -> None:
        """Cuts the connections there are, as a firewall does with idle ones."""
        sockets, self._sockets = self._sockets, []
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._is_closed = True
        self.hear_again()
        # Closing alone would leave the thread in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.hang_up()
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            if self.is_refusing:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._socket_path))
            except OSError:  # the server is away
                server.close()
                client.close()
                continue
            self._sockets += [client, server]
            for source, target, is_client in ((client, server, True), (server, client, False)):
                thread = threading.Thread(target=self._pump, args=(source, target, is_client))
                thread.start()
                self._threads.append(thread)

    def _pump(self, source: socket.socket, target: socket.socket, is_client: bool) -> None:
        with source, contextlib.suppress(OSError):
            while True:
                self._is_hearing.wait()
                data = source.recv(16_384)
                if not is_client and self.deaf_before_answer is not None and self.deaf_before_answer in data:
                    self.go_deaf()
                time.sleep(self.delay_s)
                # What was under way when it went deaf is lost on the wire until it hears again.
                self._is_hearing.wait()
                if not data:
                    target.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(data)
                if is_client and self.deaf_after_bytes is not None:
                    self.deaf_after_bytes -= len(data)
                    if self.deaf_after_bytes <= 0:
                        self.go_deaf()


@contextlib.contextmanager
def proxied(database_url: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy before a test's database, and the database's URL through it."""
    folder = parse_qs(urlsplit(database_url).query)["host"][0]
    proxy = Proxy(Path(folder) / ".s.PGSQL.5432")
    given = psycopg.conninfo.conninfo_to_dict(database_url)
    try:
        yield proxy, f"postgresql://{given['user']}@127.0.0.1:{proxy.port}/{given['dbname']}"
    finally:
        proxy.close()
