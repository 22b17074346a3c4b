"""clang-tidy is asked about every source, and again only about those that changed."""
import subprocess

import planted
from planted import LINTS, PlantedBuild


class Tidy(PlantedBuild):
    LONG = "int planted() {\n  int a = 0;\n" + "  ++a;\n" * 60 + "  return a;\n}\n"

    def tidy(self) -> subprocess.CompletedProcess[str]:
        return self.run_lint("tidy", "--build", str(self.build))

    def test_only_what_changed_is_checked_again(self) -> None:
        header = {"lib/pmend/base/x.hpp": "#pragma once\nint base();\n"}
        self.plant(header | {".clang-tidy": (LINTS.parents[1] / ".clang-tidy").read_text()})
        self.configure(self.library("base") + self.library("block"))
        self.plant({"lib/pmend/base/base.cpp": '#include "pmend/base/x.hpp"\nint base() {\n  return 0;\n}\n'})
        self.plant({"lib/pmend/block/block.cpp": "int block() {\n  return 0;\n}\n"})
        self.assertEqual(self.tidy().stdout, "2 of 2 sources checked, the others are unchanged\n")
        self.assertIn("0 of 2 ", self.tidy().stdout)
        self.plant({"lib/pmend/base/x.hpp": "#pragma once\nint base();  // told\n"})
        self.assertIn("1 of 2 ", self.tidy().stdout)
        self.plant({"lib/pmend/block/block.cpp": self.LONG})
        told = self.tidy()
        self.assertEqual(told.returncode, 1, told.stdout)
        self.assertIn("lib/pmend/block/block.cpp:1: function 'planted' exceeds", told.stdout)
        self.assertEqual(self.tidy().returncode, 1, "a source that failed has no stamp")


if __name__ == "__main__":
    planted.main("clang-tidy-14")
