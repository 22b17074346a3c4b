// SPDX-License-Identifier: Apache-2.0
#include "pmend/device_views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace pmend::daemon {
namespace {

using testing::ElementsAre;

class DeviceViewsTest : public testing::Test {
 protected:
  static engine::DeviceFound found(const std::string& device, const std::string& id = "fake:1") {
    return {{.device = device,
             .device_id = id,
             .size = 1 << 20,
             .logical_block_size = 512,
             .physical_block_size = 512,
             .repair_unit = 4096}};
  }
  static engine::MediaErrors errors(const std::string& source, std::vector<ByteRange> ranges, bool complete) {
    return {{}, {"/dev/x", "fake:1", source, std::move(ranges), complete}};
  }

  std::vector<bus::DeviceView> shown_;
  std::vector<std::string> gone_;
  DeviceViews views_{{[this](const bus::DeviceView& view) { shown_.push_back(view); },
                      [this](const std::string& device) { gone_.push_back(device); }}};
};

TEST_F(DeviceViewsTest, BytesThatTwoSourcesNameCountOnce) {
  views_.note(found("/dev/x"));
  EXPECT_FALSE(shown_.back().list_complete);
  views_.note(errors("badblocks", {{0, 1024}}, true));
  views_.note(errors("ars", {{512, 1024}}, false));
  EXPECT_EQ(shown_.back().bad_bytes, 1536U);
  EXPECT_FALSE(shown_.back().list_complete);
  views_.note(errors("ars", {}, true));
  EXPECT_EQ(shown_.back().bad_bytes, 1024U);
  EXPECT_TRUE(shown_.back().list_complete);
}

TEST_F(DeviceViewsTest, AnotherDeviceUnderTheSameNodeHasNoErrorsYet) {
  views_.note(found("/dev/x"));
  views_.note(errors("badblocks", {{0, 512}}, true));
  views_.note(found("/dev/x", "fake:2"));
  EXPECT_EQ(shown_.back().bad_bytes, 0U);
  const auto count = shown_.size();
  views_.note(errors("badblocks", {{0, 512}}, true));  // of the former one
  EXPECT_EQ(shown_.size(), count);
}

TEST_F(DeviceViewsTest, DevicesGoOneByOneAndWithTheObserver) {
  for (const char* device : {"/dev/x", "/dev/y", "/dev/z"}) {
    views_.note(found(device));
  }
  views_.note(engine::DeviceGone{{"/dev/y", "fake:1"}});
  views_.note(engine::DeviceGone{{"/dev/y", "fake:1"}});
  EXPECT_THAT(gone_, ElementsAre("/dev/y"));
  views_.note(engine::WorkerGone{JobId{1}, "done"});
  EXPECT_TRUE(views_.contains("/dev/x"));
  views_.note(engine::WorkerGone{std::nullopt, "killed"});
  EXPECT_THAT(gone_, ElementsAre("/dev/y", "/dev/x", "/dev/z"));
  EXPECT_FALSE(views_.contains("/dev/x"));
}

}  // namespace
}  // namespace pmend::daemon
