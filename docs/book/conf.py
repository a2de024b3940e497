"""How Sphinx renders the book; tools/book.py lays the sources and calls it."""

from docutils import nodes
from latex2mathml.converter import convert
from myst_nb.sphinx_ext import add_global_html_resources

project = html_title = epub_title = "PyTorch, Cell by Cell"
author = copyright = "the authors of PyTorch, Cell by Cell"
language = "en"
extensions = ["myst_nb"]
root_doc = "README"
html_theme = "sphinx_book_theme"
html_theme_options = {
    "article_header_end": ["search-button", "theme-switcher", "toggle-secondary-sidebar"],
    "home_page_in_toc": True,
    "navbar_persistent": [],
    "pygments_dark_style": "a11y-high-contrast-dark",
    "pygments_light_style": "a11y-high-contrast-light",
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
}
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = html_show_sourcelink = False
nb_execution_mode = "off"  # the outputs are those that the tests compare
nb_ipywidgets_js = {}  # nothing is fetched while a page is read
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "book.slug"
html_math_renderer = "mathml"
epub_show_urls = "no"
epub_use_index = False


def setup(app):
    """Formulas as MathML, which browsers set by themselves: no script, no fonts, the same in the EPUB."""

    def inline(self, node):
        self.body.append(convert(node.astext(), display="inline"))
        raise nodes.SkipNode

    def block(self, node):
        self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", (inline, None), (block, None))

    def style(app):  # myst-nb does it after the pages are packed, too late for an EPUB
        (app.outdir / "_static").mkdir(parents=True, exist_ok=True)
        add_global_html_resources(app, None)

    app.connect("builder-inited", style)
