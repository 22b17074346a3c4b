// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace pmend::log {

// The values are those of syslog(3), which the journal uses too.
enum class Level { kCritical = 2, kError = 3, kWarning = 4, kNotice = 5, kInfo = 6, kDebug = 7 };

std::string_view to_string(Level level);

// A value that goes along with a message. Names are upper case and unprefixed ("INCIDENT"); the journal sink adds
// "PMEND_".
struct Field {
  std::string name;
  std::string value;
};

struct Record {
  Level level = Level::kInfo;
  std::string text;        // for people, one line
  std::string message_id;  // 32 hex digits for messages an operator may alert on, else empty
  std::vector<Field> fields;
};

// Where records go. Injected; tests collect them. Must not throw and must not log.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(const Record& record) = 0;
};

// Writes "<N>text" lines to stderr: the form that systemd reads as levels and that people can read too.
// With `plain`, the "<N>" is left out.
class StderrSink final : public Sink {
 public:
  explicit StderrSink(bool plain, Level most = Level::kInfo) : plain_(plain), most_(most) {}
  void write(const Record& record) override;

 private:
  bool plain_;
  Level most_;
};

// `text` with every {NAME} replaced by the value of that field. A name without a field stays as it is.
std::string expand(std::string_view text, const std::vector<Field>& fields);

// Builds a record whose text is `text` expanded.
Record make_record(Level level, std::string_view text, std::initializer_list<Field> fields = {});

}  // namespace pmend::log
