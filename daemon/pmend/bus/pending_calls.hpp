// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/bus/backend.hpp"

#include <sdbus-c++/sdbus-c++.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace pmend::bus {

sdbus::Error to_bus_error(const Failure& failure);

// All calls that wait for their answer. A reply that outlives its connection crashes the bus library, so the replies
// are owned here and destroyed before the connection; whoever works on an answer holds a Call, which may come too late.
class PendingCalls {
  struct Table {
    std::set<std::shared_ptr<void>> open;
    std::function<void()> after_sending;
  };

 public:
  // More are refused as Busy: what one caller asks for must not make pmend grow without end.
  static constexpr std::size_t kMost = 512;

  template <class... Values>
  class Call {
   public:
    // Only the first of these calls counts. What cannot be sent (too large) becomes an error of that text.
    void answer(const Values&... values) const {
      finish([&](const auto& result) { result.returnResults(values...); });
    }
    void fail(const Failure& failure) const {
      finish([&](const auto& result) { result.returnError(to_bus_error(failure)); });
    }

   private:
    friend class PendingCalls;
    using BusResult = sdbus::Result<Values...>;

    Call(const std::shared_ptr<BusResult>& result, const std::shared_ptr<Table>& table)
        : result_(result), table_(table) {}

    template <class Send>
    void finish(const Send& send) const {
      const auto result = result_.lock();
      const auto table = table_.lock();
      if (!result || !table || table->open.erase(result) == 0) {
        return;
      }
      try {
        send(*result);
      } catch (const std::exception& error) {
        send_unavailable(*result, error.what());
      }
      table->after_sending();
    }

    static void send_unavailable(const BusResult& result, const std::string& why) {
      try {
        result.returnError(to_bus_error({ErrorCode::kUnavailable, "the answer cannot be sent: " + why}));
      } catch (const std::exception&) {
        // The bus or the caller has gone, and nobody is left to tell. The pump reports the former.
      }
    }

    std::weak_ptr<BusResult> result_;
    std::weak_ptr<Table> table_;
  };

  // `after_sending` is called after every message that was sent.
  explicit PendingCalls(std::function<void()> after_sending) : table_(std::make_shared<Table>()) {
    table_->after_sending = std::move(after_sending);
  }

  // Nothing if there are too many: the caller was told then.
  template <class... Values>
  std::optional<Call<Values...>> keep(sdbus::Result<Values...>&& bus_result) {
    auto result = std::make_shared<sdbus::Result<Values...>>(std::move(bus_result));
    Call<Values...> call(result, table_);
    table_->open.insert(result);
    if (table_->open.size() > kMost) {
      call.fail({ErrorCode::kBusy, "too many calls wait for an answer"});
      return std::nullopt;
    }
    return call;
  }

 private:
  std::shared_ptr<Table> table_;
};

}  // namespace pmend::bus
