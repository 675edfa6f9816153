"""The screenshots of the documentation are what the example pages look like."""

from base64 import b64encode

import pytest
from support.pages import PICTURES, SHOTS, shoot

pytestmark = pytest.mark.browser

COMPARE = """
async (images) => {
  const pixels = await Promise.all(images.map(async (image) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${image}`)).blob());
    const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    pen.drawImage(bitmap, 0, 0);
    return { size: [bitmap.width, bitmap.height], data: pen.getImageData(0, 0, bitmap.width, bitmap.height).data };
  }));
  const [one, other] = pixels;
  let sum = 0;
  for (let n = 0; n < one.data.length; n++) sum += Math.abs(one.data[n] - (other.data[n] ?? 255));
  return [one.size, other.size, sum / one.data.length];
}
"""
"""The sizes of two PNGs, and by how much a colour of a pixel differs on average, of 255."""


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_a_screenshot_is_what_the_page_looks_like(shot, browser):
    """The same but for what another version of Chromium or another font makes of it.

    ``python tests/support/pages.py`` takes them anew. Look at them.
    """
    now, kept = shoot(browser, shot), (PICTURES / f"{shot.name}.png").read_bytes()
    context = browser.new_context()
    page = context.new_page()
    size, kept_size, difference = page.evaluate(COMPARE, [b64encode(one).decode() for one in (now, kept)])
    context.close()

    assert size[0] == kept_size[0]
    assert abs(size[1] - kept_size[1]) <= 60
    assert difference < 12
