"""Headless Chromium, driven over its DevTools protocol: the page as people meet it."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

from websockets.sync.client import ClientConnection, connect

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--hide-scrollbars", "--no-first-run", "--disable-dev-shm-usage", "--mute-audio",
    "--autoplay-policy=no-user-gesture-required", "--force-color-profile=srgb",
    "--remote-debugging-port=0",
)  # fmt: skip
_KEYS = {
    "Enter": 13,
    "Escape": 27,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Tab": 9,
}
_WAIT = 30.0


@contextmanager
def browser(folder: Path) -> Iterator[str]:
    """A running Chromium with a profile of its own; the address of its protocol."""
    told = folder / "DevToolsActivePort"
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            until = time.monotonic() + _WAIT
            while not (told.exists() and told.read_text().count("\n")):
                if running.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("Chromium does not start")
                time.sleep(0.05)
            yield f"http://127.0.0.1:{told.read_text().splitlines()[0]}"
        finally:
            running.terminate()
            running.wait(_WAIT)


class Page:
    """One tab: it is looked at, clicked and typed into; ``faults`` is what went wrong in it."""

    def __init__(self, devtools: str) -> None:
        with urlopen(Request(f"{devtools}/json/new?about:blank", method="PUT")) as answer:
            told = json.load(answer)
        self._line: ClientConnection = connect(told["webSocketDebuggerUrl"], max_size=None)
        self._ids = itertools.count(1)
        self.faults: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.call("Page.close")
        self._line.close()

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        number = next(self._ids)
        self._line.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            told = json.loads(self._line.recv(timeout=_WAIT))
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']['message']}")
                return dict(told["result"])
            self._heard(told)

    def _heard(self, told: dict[str, Any]) -> None:
        given = told.get("params", {})
        if told.get("method") == "Runtime.exceptionThrown":
            thrown = given["exceptionDetails"]
            self.faults.append(thrown.get("exception", {}).get("description", thrown["text"]))
        if told.get("method") == "Log.entryAdded" and given["entry"]["level"] == "error":
            entry = given["entry"]
            if entry["source"] != "network":  # a missing thumbnail is no fault
                self.faults.append(entry["text"])

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        told = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"]["exception"]["description"])
        return told["result"].get("value")

    def before(self, script: str) -> None:
        """Run a script in each page that this tab opens, before those of the page."""
        self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true; its value."""
        until = time.monotonic() + _WAIT
        while (value := self.js(expression)) in (None, False, 0, ""):
            if time.monotonic() > until:
                body = self.js("document.body.innerText")
                raise AssertionError(f"never true: {expression}\n{self.faults}\n{body}")
            time.sleep(0.05)
        return value

    def settle(self) -> None:
        """Wait until an answer, or what is said in its place, stands there."""
        self.wait(
            "document.readyState === 'complete' && !document.querySelector('main[aria-busy]')"
            " && document.querySelector('main').children.length"
            " && !document.querySelector('.waiting')"
        )

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        self.settle()

    def text(self, selector: str = "main") -> str:
        """What is written in an element."""
        return str(self.js(f"document.querySelector({json.dumps(selector)}).innerText"))

    def count(self, selector: str) -> int:
        """How many such elements there are."""
        return int(self.js(f"document.querySelectorAll({json.dumps(selector)}).length"))

    def click(self, selector: str) -> None:
        """Click in the middle of an element, with the mouse."""
        place = self.wait(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            " if (!one) return null; one.scrollIntoView({block: 'center', behavior: 'instant'});"
            " const box = one.getBoundingClientRect(); return box.width"
            " && [box.left + box.width / 2, box.top + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0],
                y=place[1],
                button="left",
                clickCount=1,
            )

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    def key(self, key: str) -> None:
        """Press a key."""
        code = _KEYS.get(key) or ord(key.upper())
        typed = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        known = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **known, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **known)

    def drop(self, path: Path) -> None:
        """Drop a file in the middle of the page."""
        carried = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=200, y=300, data=carried)

    def choose(self, selector: str, path: Path) -> None:
        """Choose a file in an input of files."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def back(self) -> None:
        """Press the browser's back button."""
        self.js("history.back()")

    def look(
        self, *, wide: int = 1280, high: int = 900, dark: bool = False, language: str = "en"
    ) -> None:
        """See the page with such a window, theme and language."""
        phone = wide < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=wide,
            height=high,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[theme])
        agent = self.js("navigator.userAgent")
        tongues = {"zh": "zh-CN,zh", "en": "en-US,en"}[language]
        self.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=tongues)

    def picture(self, path: Path) -> None:
        """Take a picture of the window."""
        path.write_bytes(
            base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        )
