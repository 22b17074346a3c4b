"""check_format.py catches what clang-format would change."""
import planted
from planted import LINTS, PlantedTree


class Format(PlantedTree):
    def test_format(self) -> None:
        self.plant({".clang-format": (LINTS.parents[1] / ".clang-format").read_text(),
                    "lib/pmend/base/x.cpp": "int f() {\n  return 1;\n}\n"})
        self.assert_passes("format")
        self.plant({"lib/pmend/base/x.cpp": "int f() {\n    return 1;\n}\n"})
        self.assert_caught("format", "lib/pmend/base/x.cpp:1", "clang-format")


if __name__ == "__main__":
    planted.main("clang-format-14")
