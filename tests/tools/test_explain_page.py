"""The page of `minikeras explain`, opened in Chromium: its numbers, its text, what it may do.

Without Chromium and its driver (Debian: chromium, chromium-driver) the tests that open a page are
skipped by name; what the file holds is tested everywhere.
"""

import base64
import hashlib
import html
import json
import random
import re
import shutil

import numpy as np
import pytest

import minikeras as keras
from minikeras.tools.explain.explaining import explain
from minikeras.tools.explain.numbers import LONG, LONGEST, SHORT, printed
from minikeras.tools.explain.page import page_of

layers = keras.layers

LIMIT = 5_000_000  # bytes of a page
SECOND = 1000  # milliseconds in which a page opens


# --- The networks --------------------------------------------------------------------------------


def convolution():
    """Padding, a window, its maximum, and a softmax."""
    stack = [
        layers.Conv2D(3, 3, padding="same", activation="relu", name="conv2d"),
        layers.MaxPooling2D(name="pooling"),
        layers.Flatten(name="flatten"),
        layers.Dense(5, activation="softmax", name="dense"),
    ]
    return keras.Sequential([keras.Input((6, 6, 1)), *stack]), (1, 6, 6, 1)


def sequence():
    """Gates, unrolled in time."""
    stack = [layers.LSTM(4, name="lstm"), layers.Dense(5, activation="softmax", name="dense")]
    return keras.Sequential([keras.Input((6, 3)), *stack]), (1, 6, 3)


def residual():
    """Normalization over a batch, and a connection around it."""
    x = keras.Input((6, 6, 2))
    inner = layers.Conv2D(2, 3, padding="same", use_bias=False, name="conv2d")(x)
    inner = layers.BatchNormalization(name="normalization")(inner)
    y = layers.Activation("relu", name="relu")(layers.Add(name="add")([x, inner]))
    y = layers.GlobalAveragePooling2D(name="mean")(y)
    return keras.Model(x, layers.Dense(5, activation="softmax", name="dense")(y)), (3, 6, 6, 2)


def transformer():
    """Attention among places, between two connections around it."""
    x = keras.Input((5, 6))
    y = layers.LayerNormalization(name="normalization")(x)
    y = layers.Add(name="add")([x, layers.MultiHeadAttention(2, 3, name="attention")(y, y)])
    y = layers.Dense(6, activation="gelu", name="wide")(y)
    y = layers.GlobalAveragePooling1D(name="mean")(y)
    return keras.Model(x, layers.Dense(5, activation="softmax", name="dense")(y)), (1, 5, 6)


NETWORKS = (convolution, sequence, residual, transformer)
EACH = pytest.mark.parametrize(
    "network",
    [pytest.param(n, marks=() if n is convolution else pytest.mark.slow) for n in NETWORKS],
    ids=lambda network: network.__name__,
)


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """A function from a network to its `Page` and the address of the file."""
    folder, known = tmp_path_factory.mktemp("pages"), {}

    def make(network):
        if network not in known:
            keras.utils.set_random_seed(3)
            model, shape = network()
            model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
            rng = np.random.default_rng(3)
            x = rng.normal(size=shape).astype("float32")
            y = rng.integers(0, 5, shape[0])
            model.fit(x, y, epochs=2, verbose=0)  # so that the optimizer remembers something
            page = explain(model, x, y)
            path = folder / f"{network.__name__}.html"
            page.save(path)
            known[network] = page, path.as_uri()
        return known[network]

    return make


# --- The browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window, to which every name of a machine leads nowhere."""
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        pytest.skip("Pages are opened in Chromium: chromium and chromedriver are not installed.")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for argument in (
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,900"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking"),
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, explained):
    """A function that opens the page of a network; afterwards the page has been quiet."""

    def open_page(network, fragment=""):
        page, address = explained(network)
        browser.get("about:blank")
        browser.get(address + fragment)
        return page

    browser.get_log("browser")
    browser.get_log("performance")
    yield open_page
    assert browser.get_log("browser") == []
    assert [url for url in requests(browser) if not url.startswith(("file:", "about:"))] == []


def requests(browser):
    """The addresses that were asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def some_cells(page, count):
    """Cells drawn from all arrays of a page: `[name, place]`."""
    draw = random.Random(0)
    shapes = {name: a["shape"] for name, a in page.data["arrays"].items() if "data" in a}
    names = draw.choices(list(shapes), k=count)
    return [[name, [draw.randrange(size) for size in shapes[name]]] for name in names]


# --- The file ------------------------------------------------------------------------------------


def small_document(**changes):
    """A document with nothing in it."""
    return {
        **{"version": 1, "title": "empty", "summary": "", "nodes": [], "arrays": {}},
        **{"timeline": [], "left_out": [], "versions": {}, "model": {"name": "m"}},
        **changes,
    }


def embedded(page):
    """The document in a page."""
    return json.loads(part(r'<script type="application/json" id="document">(.*?)</script>', page))


def part(pattern, page):
    """What a pattern finds in a page."""
    match = re.search(pattern, page, re.S)
    assert match is not None
    return match[1]


def test_the_policy_names_the_hashes_of_the_script_and_the_style():
    page = page_of(small_document())
    policy = html.unescape(part(r'Policy" content="([^"]*)"', page))
    assert policy.startswith("default-src 'none';")
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        text = part(rf"<{tag}>(.*?)</{tag}>", page)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in policy


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--<script>", "a & b", "@SCRIPT@", "\u2028"]
)
def test_a_document_stays_a_document(text):
    page = page_of(small_document(title=text, summary=text))
    assert embedded(page)["summary"] == text
    assert page.count("<script") == page_of(small_document()).count("<script")


def test_numbers_without_a_word_in_json_become_text():
    page = page_of(small_document(model={"loss": float("nan"), "sizes": (float("inf"), 1.5)}))
    assert embedded(page)["model"] == {"loss": "nan", "sizes": ["inf", 1.5]}


# --- The numbers ---------------------------------------------------------------------------------


def test_numbers_are_printed_as_in_the_text(opened, browser):
    opened(convolution)
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=300) * 10.0 ** rng.integers(-9, 9, 300)
    values = [*drawn.tolist(), 0.0, 1.0625, -2.1875, 0.99995, 9999.5, 1e-4, 12345678.9, 5e-324]
    cases = [[value, digits] for value in values for digits in (SHORT, LONG, LONGEST)]
    shown = browser.execute_script("return arguments[0].map(([v, d]) => printed(v, d))", cases)
    assert shown == [printed(value, digits) for value, digits in cases]


@EACH
def test_every_number_follows_from_its_formula(opened, browser, network):
    opened(network)
    result = browser.execute_script("return selfcheck()")
    assert result["wrong"] == 0, result
    assert result["cells"] > 500


@EACH
def test_a_changed_number_is_found(opened, browser, network):
    opened(network)
    # A cell of each array that has a formula, changed by a hundredth of the array's largest number:
    # more than rounding explains, unless the array holds nothing but rounding.
    missed, noise = browser.execute_script(
        """
        const proof = () => new Proof(page.book), missed = [], noise = [];
        for (const [name, formula] of page.book.byArray) {
          const array = page.book.arrays.get(name);
          if (array.dtype !== "float32" || !array.largest) continue;
          const flat = Math.floor(array.size / 3), before = array.data[flat];
          const { bound } = proof().cell(formula, array.place(flat));
          if (bound > array.largest) {
            noise.push(name);
            continue;
          }
          array.data[flat] += 0.01 * array.largest;
          const { right } = proof().cell(formula, array.place(flat));
          if (right) missed.push(name);
          array.data[flat] = before;
        }
        const [name] = page.book.byArray.keys(), array = page.book.arrays.get(name);
        array.data[0] += 0.01 * array.largest;
        if (selfcheck().wrong === 0) missed.push("selfcheck");
        return [missed, noise];
        """
    )
    assert missed == []
    # Softmax does not see what is added to all scores of a row: its gradient is 0 but for rounding.
    assert set(noise) <= {"attention/d_key_bias"}


@EACH
def test_cells_show_what_the_text_says(opened, browser, network):
    page = opened(network)
    count = 60 if network is convolution else 500
    cells = some_cells(page, count)
    shown = browser.execute_script("return arguments[0].map(cell => cellText(...cell))", cells)
    for (name, place), text in zip(cells, shown, strict=True):
        assert text == page.at(f"{name}[{','.join(map(str, place))}]").rstrip("\n")


@pytest.mark.slow
@EACH
def test_the_panel_shows_the_numbers_of_the_text(opened, browser, network):
    """What is clicked is what is told: value, terms, sums."""
    page = opened(network)
    for name, place in some_cells(page, 125):
        browser.execute_script("page.showArray(...arguments)", name, place)
        panel = browser.find_element("id", "cell").get_attribute("textContent")
        lines = page.at(f"{name}[{','.join(map(str, place))}]").splitlines()
        assert lines[0].rpartition(" = ")[2] in panel
        for line in lines:
            match = re.search(r" (?:=|->) (-?[\d.e-]+)$", line)
            if match and not line.startswith("n = "):
                assert match[1] in panel, (name, place, line)


# --- What the page may do, and how it is used ----------------------------------------------------


def test_the_page_asks_for_nothing_and_runs_nothing_else(opened, browser):
    opened(convolution)
    assert all(url.startswith(("file:", "about:")) for url in requests(browser))
    allowed = browser.execute_script(
        """
        const script = document.createElement("script");
        script.textContent = "window.strange = 1";
        document.body.append(script);
        return window.strange ?? null;
        """
    )
    assert allowed is None
    # The browser has said that it refused: nothing else was on the console.
    refused = [entry["message"] for entry in browser.get_log("browser")]
    assert all("Content Security Policy" in message for message in refused)
    assert len(refused) == 1


@pytest.mark.slow
def test_names_from_files_are_text(browser, explained, tmp_path):
    page, _ = explained(convolution)
    mark = "<img src=x onerror=window.strange=1>"
    text = json.dumps(page.data).replace("conv2d", mark.replace("=", "\\u003d"))
    path = tmp_path / "strange.html"
    path.write_text(page_of(json.loads(text)))
    browser.get(path.as_uri())
    browser.execute_script(
        """
        for (const [name, { shape }] of page.book.arrays) page.showArray(name, shape.map(() => 0));
        for (let stop = 0; stop < page.book.timeline.length; stop++) page.goTo(stop);
        page.show({ key: arguments[0], tab: "forward" });
        """,
        mark,
    )
    assert browser.execute_script("return window.strange ?? null") is None
    assert browser.find_elements("css selector", "img") == []
    assert browser.find_element("css selector", "#layer h2").text.startswith(mark)


@pytest.mark.slow
@EACH
def test_a_page_is_small_and_opens_in_a_second(opened, browser, explained, network):
    page, _ = explained(network)
    assert len(page.html().encode()) <= LIMIT
    times = []
    for _ in range(5):
        opened(network)
        loaded = "return performance.getEntriesByType('navigation')[0].domComplete"
        times.append(browser.execute_script(loaded))
    assert min(times) < SECOND, times


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_in_the_way_of_anybody(opened, browser, network, width, scheme):
    """axe-core finds nothing serious, with and without a chosen cell, in each tab."""
    axe = pytest.importorskip("selenium_axe_python")
    page = opened(network)
    resize(browser, width, scheme)
    checker = axe.Axe(browser)
    checker.inject()
    (name, place), *_ = some_cells(page, 1)
    try:
        for action in (
            "",
            "page.showArray(...arguments)",
            "page.goTo(page.book.timeline.length - 1)",
        ):
            browser.execute_script(action, name, place)
            for rule in checker.run()["violations"]:
                nodes = [node["html"] for node in rule["nodes"]]
                assert rule["impact"] not in ("serious", "critical"), (rule["id"], nodes[:3])
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width
    finally:
        resize(browser, 1440, "light")


def resize(browser, width, scheme):
    """Give the window a width, and its user a preference."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.mark.slow
def test_the_keyboard_reaches_every_cell(opened, browser):
    keys = pytest.importorskip("selenium.webdriver").Keys
    page = opened(convolution)

    def press(*pressed):
        for key in pressed:
            browser.switch_to.active_element.send_keys(key)

    def chosen():
        return browser.execute_script("return [page.state.entry?.name, page.state.place]")

    # Tab leads from the top to each array of the layer; arrow keys visit its cells.
    reached = set()
    for _ in range(80):
        press(keys.TAB)
        if browser.switch_to.active_element.tag_name == "canvas":
            press(keys.END)
            name, place = chosen()
            shape = page.data["arrays"][name]["shape"]
            assert place == [size - 1 for size in shape]
            press(keys.HOME)
            assert chosen() == [name, [0] * len(shape)]
            reached.add(name)
    shown = browser.execute_script("return page.heats.map(heat => heat.entry.name)")
    assert set(shown) <= reached
    # Every cell of a picture: to the right, down, and to the next picture.
    browser.execute_script("page.showArray('conv2d/out', [0, 0, 0, 0])")
    find = "page.heats.find(heat => heat.entry.name === 'conv2d/out').canvas.focus()"
    browser.execute_script(find)
    press(keys.ARROW_RIGHT, keys.ARROW_DOWN, keys.ARROW_DOWN, keys.PAGE_DOWN)
    assert chosen() == ["conv2d/out", [0, 2, 1, 1]]
    # A cell by its name.
    field = browser.find_element("id", "cell-name")
    field.clear()
    field.send_keys("dense/kernel[4,2]", keys.ENTER)
    assert chosen() == ["dense/kernel", [4, 2]]
    field.clear()
    field.send_keys("dense/kernel[400,2]", keys.ENTER)
    assert "has the shape" in browser.find_element("id", "find-answer").text


def test_links_and_the_timeline_lead_to_cells(opened, browser):
    page = opened(convolution, "#conv2d/back/0,3,5,2")
    state = (
        "return [page.state.key, page.state.tab, page.state.entry?.name ?? null, page.state.place]"
    )
    assert browser.execute_script(state) == ["conv2d", "back", "conv2d/d_out", [0, 3, 5, 2]]
    browser.execute_script("page.showArray('conv2d/kernel', [1, 2, 0, 1])")
    assert browser.current_url.endswith("#conv2d/forward/kernel/1,2,0,1")
    stops = page.data["timeline"]
    browser.execute_script("page.goTo(0)")
    visited = browser.execute_script(
        """
        const press = key => document.body.dispatchEvent(
          new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        const visited = page.book.timeline.slice(1).map(() => {
          press("ArrowRight");
          return page.state.key;
        });
        press("ArrowLeft");
        return visited;
        """
    )
    assert visited == [stop["node"] for stop in stops[1:]]
    assert browser.execute_script("return page.stop") == len(stops) - 2
    browser.find_element("id", "on").click()
    assert browser.execute_script("return page.stop") == len(stops) - 1


@pytest.mark.slow
def test_each_step_of_a_training_follows_from_its_formulas(browser, tmp_path):
    """The slider changes arrays, hints, and numbers in formulas that depend on the step."""
    keras.utils.set_random_seed(3)
    model, shape = convolution()
    model.compile("adam", "sparse_categorical_crossentropy")
    x = np.random.default_rng(3).normal(size=shape).astype("float32")
    explain(model, x, np.array([1]), steps=[0, 1, 10]).save(tmp_path / "steps.html")
    browser.get((tmp_path / "steps.html").as_uri())
    kernels = set()
    for index in (2, 1, 0):
        result = browser.execute_script(
            """
            const bar = document.querySelector("#steps input");
            bar.value = arguments[0];
            bar.dispatchEvent(new Event("input"));
            return [selfcheck(), page.book.arrays.get("conv2d/kernel").data[0]];
            """,
            index,
        )
        assert result[0]["wrong"] == 0, result
        kernels.add(result[1])
    assert len(kernels) == 3


@pytest.mark.slow
@EACH
def test_questions_are_answered_by_cells(opened, browser, network):
    """Each link of the first page leads to a cell with a derivation."""
    opened(network)
    asked = browser.execute_script("return questions(page.book)")
    assert len(asked) >= 3
    for _, name, place, _ in asked:
        browser.execute_script("page.showArray(...arguments)", name, place)
        head = browser.find_element("css selector", "#cell .where").text
        assert head == f"{name}[{', '.join(map(str, place))}]"
