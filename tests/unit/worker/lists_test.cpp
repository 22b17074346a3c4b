// SPDX-License-Identifier: Apache-2.0
#include "worker/lists.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::worker {
namespace {

Setting setting_with(const std::vector<protocol::ListedDevice>& devices) {
  Setting setting;
  setting.options.spool_dir = "/nonexistent/spool";
  setting.config.devices = devices;
  return setting;
}

block::BlockDevice device_with(std::optional<std::string> badblocks) {
  block::BlockDevice device;
  device.node = "/dev/sdb";
  device.badblocks = std::move(badblocks);
  return device;
}

std::string source_of(const std::optional<ListPlace>& place) {
  return place ? place->source : "none";
}

TEST(ListOf, TheListFileGoesBeforeTheKernelsAndThatBeforePmendsOwn) {
  const Setting with_file = setting_with({{"/dev/sdb", FilePath{"/list"}, 5}});
  const Setting with_name = setting_with({{"/dev/sdb", std::nullopt, 60}});
  const Setting without = setting_with({{"/dev/sdc", std::nullopt, 60}});
  const auto kernels = device_with("/sys/block/sdb/badblocks");
  const auto none = device_with(std::nullopt);
  EXPECT_EQ(source_of(list_of(with_file, kernels, "wwn:1")), kListFile);
  EXPECT_EQ(source_of(list_of(with_name, kernels, "wwn:1")), kKernelList);
  EXPECT_EQ(source_of(list_of(with_name, none, "wwn:1")), kOwnList);
  EXPECT_EQ(source_of(list_of(without, kernels, "wwn:1")), kKernelList);
  EXPECT_EQ(source_of(list_of(without, none, "wwn:1")), "none");
}

TEST(ListOf, PmendsOwnGoesWithTheDeviceAndNotWithTheNode) {
  const Setting setting = setting_with({{"/dev/sdb", std::nullopt, 60}, {"/dev/sdc", std::nullopt, 60}});
  block::BlockDevice device = device_with(std::nullopt);
  const auto here = list_of(setting, device, "wwn:1");
  const auto another = list_of(setting, device, "wwn:2");
  device.node = "/dev/sdc";
  const auto moved = list_of(setting, device, "wwn:1");
  ASSERT_TRUE(here && another && moved);
  EXPECT_EQ(here->path, moved->path);
  EXPECT_NE(here->path, another->path);
  EXPECT_TRUE(here->path.starts_with("/nonexistent/suspects/"));
}

TEST(ReadBadList, PmendsOwnIsEmptyAndCompleteBeforeAnythingWasFound) {
  const auto place = list_of(setting_with({{"/dev/sdb", std::nullopt, 60}}), device_with(std::nullopt), "wwn:1");
  const auto list = read_bad_list(*place, 1U << 20U);
  ASSERT_TRUE(list.has_value());
  EXPECT_TRUE(list->bad.empty());
  EXPECT_TRUE(list->complete);
}

}  // namespace
}  // namespace pmend::worker
