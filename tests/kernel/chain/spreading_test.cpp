// SPDX-License-Identifier: Apache-2.0
// Errors that come back and errors that spread, through the whole of pmend; and which files to bring away.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr ByteRange kSector{512, 512};

std::string id_of(const json& incident) {
  return std::to_string(incident.at("id").get<std::uint64_t>());
}

std::vector<std::string> names_of(const json& files) {
  std::vector<std::string> names;
  for (const json& file : files.at("files")) {
    for (const json& path : file.at("paths")) {
      names.push_back(path.at("text"));
    }
  }
  return names;
}

std::unique_ptr<World> a_world(FsType type) {
  auto world = std::make_unique<World>(WorldOptions{.fs = {.type = type}});
  world->medium().set_mode("write=clear");
  return world;
}

class ChainSpreading : public KernelTest, public ::testing::WithParamInterface<FsType> {};

TEST_P(ChainSpreading, WhatComesBackToARepairedPlaceIsHeldAndItsPastIsShown) {
  const auto world = a_world(GetParam());
  Chain chain({world.get()}, {default_policy()});
  chain.start();
  const FileModel& file = world->tree().file("linked/first");
  const std::string node = world->loop().node();
  const std::string name = world->fs().mount_point() + "/linked/first";
  const ByteRange place = world->device_range(file, kSector);

  world->poison_cached(file, kSector);
  const json first = chain.wait_for_state(node, place, "repaired");
  EXPECT_FALSE(first.contains("recurrence"));
  EXPECT_THAT(chain.ctl({"evacuate-list", node}).at("files"), IsEmpty());

  chain.pmend().kill();
  chain.start_pmend();
  chain.wait_for_device(node);
  world->poison_cached(file, kSector);
  const json again = chain.wait_for_state(node, place, "held");
  EXPECT_NE(again.at("id"), first.at("id"));
  EXPECT_EQ(again.at("recurrence").at("repairs"), 1);
  EXPECT_EQ(again.at("seen"), 2);

  const UniqueFd open = must(open_file(name, O_RDONLY));
  const json shown = chain.ctl({"show", id_of(again)}).at("incident");
  ASSERT_EQ(shown.at("earlier").size(), 1U);
  EXPECT_EQ(shown.at("earlier").at(0).at("incident"), first.at("id"));
  EXPECT_EQ(shown.at("earlier").at(0).at("method"), first.at("plan").at("method"));
  EXPECT_EQ(shown.at("earlier").at(0).at("outcome"), "succeeded");
  std::vector<int> pids;
  for (const json& process : shown.at("owners").at(0).at("open_by")) {
    pids.push_back(process.at("pid"));
  }
  EXPECT_THAT(pids, Contains(getpid()));
  EXPECT_THAT(names_of(chain.ctl({"evacuate-list", node})), Contains(name));

  chain.ctl({"approve", id_of(again), "--plan", again.at("plan").at("hash")});
  chain.wait_for(
      [&](const json& incident) { return incident.at("id") == again.at("id") && incident.at("state") == "repaired"; },
      std::chrono::seconds(30));
  EXPECT_THAT(world->medium().poisoned(), IsEmpty());
  EXPECT_THAT(world->compare(), IsEmpty());
  EXPECT_THAT(names_of(chain.ctl({"evacuate-list", node})), Contains(name)) << "its place failed twice";
  world->poison_cached(file, kSector);
  EXPECT_EQ(chain.wait_for_state(node, place, "held").at("recurrence").at("repairs"), 2);
}

TEST_P(ChainSpreading, AStormStopsRepairsOnItsDeviceAndOnNoOther) {
  const auto failing = a_world(GetParam());
  const auto healthy = a_world(GetParam());
  Chain chain({failing.get(), healthy.get()},
              {default_policy(), {"60-limits.json", R"({"limits": {"storm_incidents_per_hour": 2}})"}});
  chain.start();
  const std::string node = failing->loop().node();
  const auto hit = [&](World& world, const char* name) {
    const FileModel& file = world.tree().file(name);
    world.poison_cached(file, kSector);
    return world.device_range(file, kSector);
  };
  for (const char* name : {"linked/first", "tail"}) {
    chain.wait_for_state(node, hit(*failing, name), "repaired");
  }
  EXPECT_THAT(chain.ctl({"status"}).at("storms"), IsEmpty());
  const ByteRange third = hit(*failing, "sparse");
  const json held = chain.wait_for_state(node, third, "held");
  EXPECT_THAT(held.at("reason"), HasSubstr("errors spread on this device"));
  EXPECT_EQ(held.at("decision").at("action"), "repair") << "the policy would";
  const json storms = chain.ctl({"status"}).at("storms");
  ASSERT_EQ(storms.size(), 1U);
  EXPECT_EQ(storms.at(0).at("device"), node);
  EXPECT_THAT(chain.pmend_log(), HasSubstr("Errors spread on " + node));

  chain.wait_for_state(healthy->loop().node(), hit(*healthy, "linked/first"), "repaired");
  chain.pmend().kill();
  chain.start_pmend();
  chain.wait_for_device(node);
  const ByteRange fourth = hit(*failing, "dir0/plain14");
  const json by_person = chain.wait_for_state(node, fourth, "held");
  chain.ctl({"approve", id_of(by_person), "--plan", by_person.at("plan").at("hash")});
  chain.wait_for_state(node, fourth, "repaired");
  EXPECT_EQ(RangeSet(failing->medium().poisoned()).total_bytes(), 512U) << "nothing else was touched";
  EXPECT_THAT(names_of(chain.ctl({"evacuate-list", node})), Contains(failing->fs().mount_point() + "/sparse"));

  chain.ctl({"resume", node});
  chain.wait_for_state(node, third, "repaired");
  EXPECT_EQ(chain.try_ctl({"resume", node}).status, 2);
  for (const auto& world : {failing.get(), healthy.get()}) {
    EXPECT_THAT(world->medium().poisoned(), IsEmpty());
    EXPECT_THAT(world->compare(), IsEmpty());
  }
}

TEST_P(ChainSpreading, AllFilesOfADeviceAreListedUnderTheirExactNames) {
  const auto world = a_world(GetParam());
  Chain chain({world.get()}, {default_policy()});
  chain.start();
  chain.wait_for_device(world->loop().node());
  const auto names = names_of(chain.ctl({"evacuate-list", "--all", world->loop().node()}));
  const std::string root = world->fs().mount_point() + "/";
  for (const char* name :
       {"linked/first", "linked/second", "elsewhere/third", "odd/new\\x0aline", "odd/-rf", "empty"}) {
    EXPECT_THAT(names, Contains(root + name));
  }
  const CommandResult exact = run_command({program_directory() + "/pmendctl", "--bus", chain.bus_address(),
                                           "evacuate-list", "--all", "--null", world->loop().node()});
  EXPECT_EQ(static_cast<std::size_t>(std::count(exact.output.begin(), exact.output.end(), '\0')), names.size());
  EXPECT_THAT(exact.output, HasSubstr(root + "odd/not-utf8-\xFF\xC3" + std::string(1, '\0')));
  EXPECT_EQ(chain.try_ctl({"evacuate-list", "--all", "/dev/zero"}).status, 3);
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainSpreading, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return to_string(FsOptions{.type = param_info.param}); });

}  // namespace
}  // namespace pmend::world
