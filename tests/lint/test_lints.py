"""Every lint that reads sources catches what it is for, and leaves alone what it is not for."""
import planted
from planted import PlantedTree

BASE = {"lib/pmend/base/error.hpp": "#pragma once\n#include <tl/expected.hpp>\n#include <string>\n"}


class Layers(PlantedTree):
    def plant_over_base(self, name: str, text: str) -> None:
        self.plant(BASE | {
            "lib/pmend/kernel/fiemap.hpp": '#include "pmend/base/error.hpp"\n',
            "lib/pmend/policy/rule.hpp": "",
            "lib/pmend/engine/engine.hpp": '#include "pmend/policy/rule.hpp"\n',
            "daemon/cli/parse.hpp": "",
            "daemon/ctl/options.hpp": "",
            "tests/support/world.hpp": "",
            name: text,
        })

    def caught(self, name: str, text: str, rule: str, line: int = 1) -> None:
        with self.subTest(name=name, text=text):
            self.plant_over_base(name, text)
            self.assert_caught("layers", f"{name}:{line}", rule)
            (self.root / name).unlink()

    def passes(self, name: str, text: str) -> None:
        with self.subTest(name=name, text=text):
            self.plant_over_base(name, text)
            self.assert_passes("layers")
            (self.root / name).unlink()

    def test_upward_include(self) -> None:
        self.caught("lib/pmend/base/x.cpp", '\n#include "pmend/kernel/fiemap.hpp"\n', "base may not include kernel", 2)
        self.caught("lib/pmend/policy/x.cpp", '#include <pmend/engine/engine.hpp>\n', "policy may not include engine")
        self.caught("lib/pmend/engine/x.cpp", '#include "ctl/options.hpp"\n', "engine may not include daemon/ctl")
        self.caught("lib/pmend/base/x.cpp", '#include "../kernel/fiemap.hpp"\n', "base may not include kernel")
        self.caught("lib/pmend/base/x.cpp", '#include "support/world.hpp"\n', "only tests may include tests")

    def test_sibling_include(self) -> None:
        self.caught("lib/pmend/rmap/x.hpp", '#include "pmend/policy/rule.hpp"\n', "a sibling")
        self.caught("lib/pmend/model/x.hpp", '#include "pmend/kernel/fiemap.hpp"\n', "a sibling")

    def test_programs_share_only_the_shared_folders(self) -> None:
        self.caught("daemon/worker/x.cpp", '#include "ctl/options.hpp"\n', "daemon/worker may not include daemon/ctl")
        self.caught("daemon/cli/x.cpp", '#include "ctl/options.hpp"\n', "daemon/cli may not include daemon/ctl")
        self.passes("daemon/worker/x.cpp", '#include "cli/parse.hpp"\n#include "pmend/engine/engine.hpp"\n')

    def test_downward_include_is_right(self) -> None:
        self.passes("lib/pmend/engine/x.cpp", '#include "pmend/engine/engine.hpp"\n#include "pmend/base/error.hpp"\n')
        self.passes("lib/pmend/base/x.cpp", '// #include "pmend/engine/engine.hpp"\n')

    def test_include_that_leads_nowhere(self) -> None:
        self.caught("lib/pmend/base/x.cpp", '#include "pmend/base/gone.hpp"\n', "is not a file under lib/")

    def test_third_party_headers_stay_out_of_lib_headers(self) -> None:
        for name in ("sqlite3.h", "fmt/format.h", "re2/re2.h", "libudev.h", "boost/container/flat_map.hpp"):
            self.caught("lib/pmend/ledger/x.hpp", f"#include <{name}>\n", "third-party header")
            self.passes("lib/pmend/ledger/x.cpp", f"#include <{name}>\n")
        self.passes("lib/pmend/model/x.hpp", "#include <nlohmann/json_fwd.hpp>\n#include <sys/stat.h>\n")

    def test_what_belongs_to_the_programs(self) -> None:
        for name in ("boost/asio.hpp", "boost/asio/io_context.hpp", "sdbus-c++/sdbus-c++.h"):
            self.caught("lib/pmend/engine/x.cpp", f"#include <{name}>\n", "belongs to the programs")
            self.passes("daemon/pmend/x.cpp", f"#include <{name}>\n")
        self.caught("daemon/worker/x.cpp", "#include <fuse3/fuse.h>\n", "libfuse belongs to daemon/medium")
        self.passes("daemon/medium/x.cpp", "#include <fuse3/fuse.h>\n")

    def test_ioctl_outside_kernel(self) -> None:
        self.caught("lib/pmend/rmap/x.cpp", "int f() {\n  return ioctl(1, 2);\n}\n", "ioctl()", 2)
        self.caught("daemon/medium/x.cpp", "int n = ::ioctl (1, 2);\n", "ioctl()")
        self.caught("daemon/worker/x.cpp", "long n = syscall(SYS_ioctl, 1, 2);\n", "ioctl()")
        self.passes("lib/pmend/kernel/x.cpp", "int n = ioctl(1, 2);\n")
        self.passes("lib/pmend/rmap/x.cpp", '// ioctl(2)\nconst char* s = "ioctl(1)"; int n = 1\'000; /* ioctl(3) */\n')

    def test_folders_and_names_without_a_place(self) -> None:
        self.caught("lib/pmend/media/x.cpp", "", "has no rank")
        self.caught("src/x.cpp", "", "is in no layer")
        self.caught("lib/pmend/base/x.h", "", "no lint reads other names")


class Words(PlantedTree):
    def test_planted_words(self) -> None:
        for text, rule in (("cd /wor" + "k/main", "path of one machine"),
                           ("deb.some" + "where.org", "package registry"),
                           ("# TO" + "DO: later", "note to oneself"),
                           ("http://else" + "where.net/x", "a link to a host")):
            with self.subTest(text=text):
                self.plant({"docs/page.md": f"fine\n{text}\n"})
                self.assert_caught("words", "docs/page.md:2", rule)

    def test_ordinary_text(self) -> None:
        self.plant({"docs/page.md": "pmend-fd-XXXXXX ${HOME}/work/x https://docs.kernel.org/a\n",
                    "x.bin": "\0/wor" + "k/"})
        self.assert_passes("words")


class Coroutines(PlantedTree):
    def test_planted_coroutine(self) -> None:
        for text in ("  co_await x;", "#include <coroutine>", "#include <boost/asio/awaitable.hpp>"):
            with self.subTest(text=text):
                self.plant({"daemon/loop/x.cpp": f"\n{text}\n"})
                self.assert_caught("no_coroutines", "daemon/loop/x.cpp:2", "coroutine")

    def test_talk_about_coroutines(self) -> None:
        self.plant({"daemon/loop/x.cpp": '// no co_await here\nauto s = R"(co_return)"; auto t = "co_yield";\n'})
        self.assert_passes("no_coroutines")


class Json(PlantedTree):
    def test_throwing_accessors(self) -> None:
        for text in ("j.get<int>();", "j->get_to(x);", 'j.value("key", 1);'):
            with self.subTest(text=text):
                self.plant({"lib/pmend/engine/x.cpp": text + "\n"})
                self.assert_caught("json", "lib/pmend/engine/x.cpp:1", "can throw")

    def test_the_reader_and_look_alikes(self) -> None:
        self.plant({"lib/pmend/model/json_reader.cpp": "j.get<int>();\n",
                    "lib/pmend/base/x.cpp": "std::get<int>(v); p.get(); o.value(); m.at(1); j.get_ptr<int*>();\n"})
        self.assert_passes("json")


class Sizes(PlantedTree):
    def test_long_function_and_file(self) -> None:
        body = "  f();\n" * 59
        function = f"void g(int a,\n       int b) {{\n{body}}}\n"
        self.plant({"lib/pmend/base/x.cpp": f"namespace {{\n\n{function}\n}}  // namespace\n"})
        self.assert_caught("sizes", "lib/pmend/base/x.cpp:3", "function of 62 lines")
        self.plant({"tests/x.py": "def f():\n" + "    pass\n" * 60, "lib/pmend/base/x.cpp": ""})
        self.assert_caught("sizes", "tests/x.py:1", "function of 61 lines")
        self.plant({"tests/x.py": "\n" * 401})
        self.assert_caught("sizes", "tests/x.py:401", "file of 401 lines")

    def test_long_type_of_short_functions(self) -> None:
        members = "  int f() { return 1; }\n" * 80
        self.plant({"lib/pmend/base/x.cpp": f"struct A {{\n{members}}};\nint f() {{\n  return 1;\n}}\n"})
        self.assert_passes("sizes")


class Docs(PlantedTree):
    def test_what_points_nowhere(self) -> None:
        for name, line, rule in (("README.md", "see [this](docs/gone.md)", "the link to docs/gone.md leads nowhere"),
                                 ("README.md", "    sudo ./gone.sh", "there is no ./gone.sh"),
                                 ("docs/a.md", "    build/dev/bin/gone --x", "there is no build/dev/bin/gone"),
                                 ("docs/a.md", "try `pmendctl dance`", "pmendctl has no verb dance"),
                                 ("docs/a.md", "seen by `test_gone`", "there is no test test_gone"),
                                 ("docs/man/pmend.8", ".Xr pmendctl 1 ,", "there is no manual page pmendctl(1)")):
            with self.subTest(line=line):
                self.plant({name: f"fine\n{line}\n"})
                self.assert_caught("docs", f"{name}:2", rule)
                (self.root / name).unlink()

    def test_what_points_somewhere(self) -> None:
        readme = "[a](docs/a.md#part) [b](https://example.com)\n    ./test.sh --x\n    build/dev/bin/pmend\n"
        self.plant({"README.md": readme, "docs/a.md": "    pmendctl list\n`test_a`\n", "test.sh": "",
                    "tests/a.py": "def test_a(self)", "daemon/ctl/options.cpp": 'VerbRow{Verb::kList, "list"',
                    "daemon/pmend/CMakeLists.txt": "pmend_program(pmend SOURCES"})
        self.assert_passes("docs")


class TheTreeItself(PlantedTree):
    def test_an_empty_tree_passes(self) -> None:
        for name in ("docs", "layers", "words", "no_coroutines", "json", "sizes"):
            self.assert_passes(name)


if __name__ == "__main__":
    planted.main()
