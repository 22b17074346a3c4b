"""The lints that read a build, against small real builds with planted violations."""
import subprocess

import planted
from planted import PlantedBuild


class Links(PlantedBuild):
    PROGRAMS = ("pmend_program(pmend SOURCES daemon/main.cpp DEPS {})\n"
                "pmend_program(pmend-worker SOURCES daemon/main.cpp DEPS {})\n")

    def test_forbidden_link_by_a_detour(self) -> None:
        libraries = self.library("kernel") + self.library("block", "pmend::kernel")
        libraries += self.library("engine", "pmend::block")
        self.configure(libraries + self.PROGRAMS.format("pmend::engine", "pmend::kernel"))
        self.assert_caught("links", "build/bin/pmend:1", "pmend_kernel", "--build", str(self.build))

    def test_each_half_with_what_is_its_own(self) -> None:
        libraries = self.library("kernel") + self.library("repair", "pmend::kernel") + self.library("engine")
        # A test program that needs the other half as a file is not linked with it.
        order = "add_dependencies(pmend pmend-worker)\n"
        self.configure(libraries + self.PROGRAMS.format("pmend::engine", "pmend::repair") + order)
        self.assert_passes("links", "--build", str(self.build))

    def test_worker_that_could_decide_and_program_that_is_gone(self) -> None:
        worker = "pmend_program(pmend-worker SOURCES daemon/main.cpp DEPS pmend::policy)\n"
        self.configure(self.library("policy") + worker)
        self.assert_caught("links", "build/bin/pmend-worker:1", "pmend_policy", "--build", str(self.build))
        self.assert_caught("links", "build/bin/pmend:1", "not in the build", "--build", str(self.build))


class Sources(PlantedBuild):
    def test_unlisted_test_source(self) -> None:
        self.configure(self.library("base"))
        self.assert_caught("sources", "daemon/main.cpp:1", "is not compiled", "--build", str(self.build))
        (self.root / "daemon/main.cpp").unlink()
        self.assert_passes("sources", "--build", str(self.build))
        dropped = "tests/unit/base/dropped_test.cpp"
        self.plant({dropped: ""})
        self.assert_caught("sources", f"{dropped}:1", "is not compiled", "--build", str(self.build))


    def test_merged_sources(self) -> None:
        self.configure("set(CMAKE_UNITY_BUILD ON)\n" + self.library("base"))
        (self.root / "daemon/main.cpp").unlink()
        self.assertIn("unity_0_cxx", (self.build / "compile_commands.json").read_text())
        self.assert_passes("sources", "--build", str(self.build))
        self.plant({"lib/pmend/base/dropped.cpp": ""})
        self.assert_caught("sources", "lib/pmend/base/dropped.cpp:1", "is not compiled", "--build", str(self.build))


class Labels(PlantedBuild):
    def test_test_in_no_tier(self) -> None:
        text = ("enable_testing()\nadd_test(NAME good COMMAND true)\nadd_test(NAME stray COMMAND true)\n"
                "set_tests_properties(good PROPERTIES LABELS unit)\n")
        self.tier("unit dev unit all")
        self.configure(text)
        self.assert_caught("labels", "test.sh:1", "'stray'", "--build", str(self.build))

    def test_tier_of_two_labels(self) -> None:
        self.tier("both dev unit|idle all")
        self.configure("enable_testing()\nadd_test(NAME good COMMAND true)\n"
                       "set_tests_properties(good PROPERTIES LABELS idle)\n")
        self.assert_passes("labels", "--build", str(self.build))

    def tier(self, listed: str) -> None:
        self.plant({"test.sh": f"#!/bin/sh\necho '{listed}'\n"})
        (self.root / "test.sh").chmod(0o755)


class SelfContainedHeaders(PlantedBuild):
    def verify(self, header: str) -> subprocess.CompletedProcess[str]:
        library = ("pmend_library(base BASE ${CMAKE_SOURCE_DIR}/lib SOURCES lib/pmend/base/base.cpp"
                   " HEADERS lib/pmend/base/planted.hpp)\n")
        self.library("base")
        self.plant({"lib/pmend/base/planted.hpp": header})
        self.configure(library)
        return subprocess.run(["cmake", "--build", str(self.build), "--target", "all_verify_interface_header_sets"],
                              capture_output=True, text=True, timeout=120)

    def test_header_that_needs_another_first(self) -> None:
        told = self.verify("#pragma once\ninline std::string planted() { return {}; }\n")
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("pmend/base/planted.hpp", told.stdout + told.stderr)

    def test_header_that_stands_alone(self) -> None:
        told = self.verify("#pragma once\n#include <string>\ninline std::string planted() { return {}; }\n")
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)


if __name__ == "__main__":
    planted.main()
