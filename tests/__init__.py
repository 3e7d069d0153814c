from tests import vision

vision.install()
