"""Open every page of the built documentation in a browser, at desktop and phone width.

Usage: python docs/browser.py SITE [--screenshots DIR] [--pages NAME ...] [--mathjax DIR]

SITE is the folder that sphinx-build has written. A page fails if TeX is left in its text, if it is
wider than the window (tables and formulas scroll inside a box of their own), if an image or a link
within the site is broken, if an image does not say what it shows, if formulas are not drawn, or if
the console shows an error; the search has to find a claim. Needs Playwright and its Chromium, or
one whose path is in CHROMIUM. MathJax comes from its usual address, or from a folder with the npm
package `mathjax`.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

from playwright.sync_api import Browser, Page, Route, TimeoutError, sync_playwright

WIDTHS = {"desktop": 1280, "phone": 390}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
#: TeX that a reader should not see.
RAW = re.compile(r"\\[A-Za-z]{2,}|\$|\{[a-z:]+\}`")
#: Text of the article without code, whose backslashes are meant.
_TEXT = """() => {
  const article = document.querySelector("article") || document.body;
  const copy = article.cloneNode(true);
  copy.querySelectorAll("pre, code, script, mjx-container").forEach((node) => node.remove());
  return copy.textContent;
}"""
_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width + 1) return [];
  return [...document.querySelectorAll("article *")]
    .filter((node) => node.getBoundingClientRect().right > width + 1)
    .slice(0, 3).map((node) => node.outerHTML.slice(0, 120));
}"""
_IMAGES = """() => [...document.images]
  .filter((image) => image.complete && image.naturalWidth === 0).map((image) => image.src)"""
#: Images without a text beside their file name.
_SILENT = """() => [...document.querySelectorAll("article img")]
  .filter((image) => !image.alt || image.src.endsWith(image.alt) || image.alt.includes("/"))
  .filter((image) => image.alt.split(" ").length < 3).map((image) => image.src)"""
_LINKS = "() => [...document.querySelectorAll('a[href]')].map((link) => link.href)"
#: Whether every formula is drawn; speech for it may still be on its way.
_TYPESET = """() => [...document.querySelectorAll("article .math")]
  .every((node) => node.querySelector("mjx-container"))"""
#: Formulas without speech, which takes several times as long as drawing them.
_SILENT_FORMULAS = """(() => {
  let value;
  const off = { enableSpeech: false, enableBraille: false, enableEnrichment: false };
  const set = (given) => {
    value = given;
    if (given && !given.version) given.options = { ...given.options, ...off };
  };
  Object.defineProperty(window, "MathJax", { get: () => value, set, configurable: true });
})()"""
#: Milliseconds that a page may take to load, or to draw its formulas.
_PATIENCE = 60_000


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of pages that were left before all of their parts had come."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port and yield its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()


def route(site: str, mathjax: Path | None) -> object:
    """Return a handler of requests: the site, MathJax from a folder, nothing else of the net."""

    def handle(request: Route) -> None:
        address = request.request.url
        if address.startswith((site, "data:", "blob:")):
            request.continue_()
        elif mathjax is not None and "/npm/" in address:
            part = re.sub(r".*/npm/(@mathjax/)?", "", address)
            package, _, rest = part.partition("/")
            file = mathjax / package.split("@")[0] / urlparse(rest).path
            request.fulfill(path=file) if file.is_file() else request.abort()
        elif mathjax is None:
            request.continue_()
        else:
            request.abort()

    return handle


def anchors(folder: Path, path: str) -> set[str] | None:
    """Return the anchors of a page, None if there is no such file."""
    file = folder / (path or "index.html")
    if not file.is_file():
        return None
    if file.suffix != ".html":
        return set()
    return set(re.findall(r'\bid="([^"]+)"', file.read_text("utf-8")))


class Checker:
    """Opens pages and collects what is wrong with them."""

    def __init__(self, browser: Browser, site: str, folder: Path, mathjax: Path | None) -> None:
        self.site, self.folder = site, folder
        self.faults: list[str] = []
        self._anchors: dict[str, set[str] | None] = {}
        self._console: list[str] = []
        self.page: Page = browser.new_page()
        self.page.add_init_script(_SILENT_FORMULAS)
        self.page.route("**/*", route(site, mathjax))
        self.page.on("console", lambda m: m.type == "error" and self._console.append(m.text))
        self.page.on("pageerror", lambda error: self._console.append(str(error)))

    def check(self, path: str, screenshots: Path | None) -> None:
        """Open a page and look at it at every width; for pictures it is loaded at each of them."""
        page = self.page
        for number, (name, width) in enumerate(WIDTHS.items()):
            page.set_viewport_size({"width": width, "height": 900})
            if number == 0 or screenshots is not None:
                self._console.clear()
                page.goto(self.site + path, wait_until="load")
                drawn = self._typeset()
            found = [] if drawn else ["formulas are not drawn"]
            found += [
                f"TeX in the text: {hit.group()}" for hit in RAW.finditer(page.evaluate(_TEXT))
            ]
            found += [f"wider than the window: {node}" for node in page.evaluate(_TOO_WIDE)]
            found += [f"broken image: {address}" for address in page.evaluate(_IMAGES)]
            found += [f"image without words: {address}" for address in page.evaluate(_SILENT)]
            found += [f"console: {text}" for text in self._console]
            if number == 0:
                found += [f"broken link: {link}" for link in self._broken(page.evaluate(_LINKS))]
            for fault in dict.fromkeys(found):
                self._name(f"{path} ({name}): {fault}")
            if screenshots is not None:
                file = screenshots / f"{path.replace('/', '_').removesuffix('.html')}_{name}.png"
                page.screenshot(path=file, full_page=True)

    def _name(self, fault: str) -> None:
        """Print a fault as it is found: all pages take a while."""
        self.faults.append(fault)
        print(fault, flush=True)

    def _typeset(self) -> bool:
        """Wait for the formulas and return whether all of them are drawn."""
        try:
            self.page.wait_for_function(_TYPESET, timeout=_PATIENCE)
        except TimeoutError:
            return False
        return True

    def _broken(self, links: list[str]) -> Iterator[str]:
        for link in dict.fromkeys(links):
            address, anchor = urldefrag(link)
            if not address.startswith(self.site):
                continue
            path = unquote(urlparse(urljoin(self.site, address)).path).lstrip("/")
            if path not in self._anchors:
                self._anchors[path] = anchors(self.folder, path)
            known = self._anchors[path]
            if known is None or (anchor and known and unquote(anchor) not in known):
                yield link

    def search(self, words: str, expected: str) -> None:
        """Search for words; the list of results has to hold a page."""
        page = self.page
        page.set_viewport_size({"width": WIDTHS["desktop"], "height": 900})
        page.goto(f"{self.site}search.html?q={words}", wait_until="load")
        try:
            page.wait_for_selector(f"#search-results a[href*='{expected}']", timeout=_PATIENCE)
        except TimeoutError:
            self._name(f"search for {words!r} does not find {expected}")


def main() -> int:
    """Check a site and print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--screenshots", type=Path)
    parser.add_argument(
        "--pages", nargs="*", help="paths such as claims/LOC-3b.html; all by default"
    )
    parser.add_argument("--mathjax", type=Path, help="folder with mathjax and its fonts, of npm")
    arguments = parser.parse_args()
    folder = arguments.site.resolve()
    skipped = ("genindex", "py-modindex", "search")
    pages = arguments.pages or [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*.html"))
        if path.stem not in skipped and "_static" not in path.parts
    ]
    if arguments.screenshots is not None:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    with served(folder) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM"), args=list(FLAGS)
        )
        checker = Checker(browser, site, folder, arguments.mathjax)
        for path in pages:
            checker.check(path, arguments.screenshots)
        checker.search("signal propagation probability", "claims/LOC-3")
        browser.close()
    print(f"{len(pages)} pages at {len(WIDTHS)} widths: {len(checker.faults)} faults")
    return 1 if checker.faults else 0


if __name__ == "__main__":
    sys.exit(main())
