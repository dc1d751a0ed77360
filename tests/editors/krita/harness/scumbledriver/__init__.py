"""Test driver inside Krita: each request over a socket runs one generator in Krita's own thread.

A scenario is a function `main(k, ...)`; `k` is the `Toolkit`. It yields None (next turn), seconds, or a condition.
"""

import faulthandler
import json
import os
import socket
import sys
import time
import traceback
import types

from krita import Extension, Krita

from .qt import QtCore
from .toolkit import Toolkit

faulthandler.enable()

READ = QtCore.QSocketNotifier.Type.Read

LIVE = set()  # PyQt keeps only weak references to bound methods of plain objects


class Driver(Extension):
    def __init__(self, parent):
        super().__init__(parent)
        self.errors = []
        self.connections = []

    def setup(self):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(os.environ["SCUMBLE_DRIVER_SOCKET"])
        self.server.listen(4)
        self.server.setblocking(False)
        self.notifier = QtCore.QSocketNotifier(self.server.fileno(), READ, self)
        self.notifier.activated.connect(self.accept)
        self.toolkit = Toolkit(self)
        sys.excepthook = self.excepthook  # Krita's own opens a modal window

    def excepthook(self, *exception):
        text = "".join(traceback.format_exception(*exception))
        self.errors.append(text)
        sys.stderr.write("UNHANDLED " + text)
        sys.stderr.flush()

    def createActions(self, window):  # noqa: N802
        pass

    def accept(self, *_):
        connection, _address = self.server.accept()
        connection.setblocking(False)
        notifier = QtCore.QSocketNotifier(connection.fileno(), READ, self)
        state = {"connection": connection, "notifier": notifier, "buffer": b""}
        notifier.activated.connect(lambda *_: self.readable(state))
        self.connections.append(state)

    def readable(self, state):
        try:
            data = state["connection"].recv(1 << 20)
        except BlockingIOError:
            return
        if not data:
            state["notifier"].setEnabled(False)
            state["connection"].close()
            self.connections.remove(state)
            return
        state["buffer"] += data
        while b"\n" in state["buffer"]:
            line, state["buffer"] = state["buffer"].split(b"\n", 1)
            Run(self, state["connection"], json.loads(line))


class Run:
    def __init__(self, driver, connection, request):
        LIVE.add(self)
        self.driver, self.connection = driver, connection
        self.begun = time.time()
        self.deadline = self.begun + request["timeout"]
        self.busy, self.condition = False, None
        self.timer = QtCore.QTimer(driver)
        self.timer.setInterval(5)
        self.timer.timeout.connect(self.tick)
        try:
            module = types.ModuleType("scenario")
            exec(compile(request["code"], request["file"], "exec"), module.__dict__)
            answer = module.main(driver.toolkit, **request["arguments"])
            if isinstance(answer, types.GeneratorType):
                self.generator = answer
                self.timer.start()
            else:
                self.finish(ok=True, value=answer)
        except BaseException:
            self.finish(ok=False, error=traceback.format_exc())

    def tick(self):
        if self.busy:
            return  # a dialog's own event loop inside a step
        self.busy = True
        try:
            if callable(self.condition):
                if not self.condition():
                    if time.time() > self.deadline:
                        toolkit = self.driver.toolkit
                        why = f"waited in vain; said: {toolkit.said()}; under way: {toolkit.runs()}"
                        self.generator.throw(TimeoutError(why))
                    return
            elif self.condition is not None and time.time() < self.condition:
                return
            answer = next(self.generator)
            self.condition = answer if callable(answer) else (time.time() + answer if answer else None)
        except StopIteration as end:
            self.finish(ok=True, value=end.value)
        except BaseException:
            self.finish(ok=False, error=traceback.format_exc())
        finally:
            self.busy = False

    def finish(self, **answer):
        LIVE.discard(self)
        self.timer.stop()
        answer["unhandled"] = list(self.driver.errors)
        del self.driver.errors[:]
        self.connection.setblocking(True)
        self.connection.sendall(json.dumps(answer, default=repr).encode() + b"\n")
        self.connection.setblocking(False)


Krita.instance().addExtension(Driver(Krita.instance()))
