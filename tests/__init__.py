from tests.kit import vision

vision.install()
