// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/log.hpp"

#include <algorithm>
#include <cstdio>

namespace pmend::log {

std::string_view to_string(Level level) {
  switch (level) {
    case Level::kCritical:
      return "critical";
    case Level::kError:
      return "error";
    case Level::kWarning:
      return "warning";
    case Level::kNotice:
      return "notice";
    case Level::kInfo:
      return "info";
    case Level::kDebug:
      return "debug";
  }
  return "unknown";
}

void StderrSink::write(const Record& record) {
  if (record.level > most_) {
    return;
  }
  std::string line = plain_ ? "" : "<" + std::to_string(static_cast<int>(record.level)) + ">";
  line += record.text;
  // File names in texts are escaped by whoever puts them there; what is left may still not forge a second line.
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  line += '\n';
  // One write per line, so that lines of several processes on one pipe do not mix.
  std::fwrite(line.data(), 1, line.size(), stderr);
}

std::string expand(std::string_view text, const std::vector<Field>& fields) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    const std::size_t close = text.find('}', open == std::string_view::npos ? open : open + 1);
    if (close == std::string_view::npos) {
      break;
    }
    const std::string_view name = text.substr(open + 1, close - open - 1);
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
    out += text.substr(0, open);
    out += field == fields.end() ? std::string(text.substr(open, close - open + 1)) : field->value;
    text.remove_prefix(close + 1);
  }
  return out.append(text);
}

Record make_record(Level level, std::string_view text, std::initializer_list<Field> fields) {
  std::vector<Field> list(fields);
  std::string expanded = expand(text, list);
  return {level, std::move(expanded), "", std::move(list)};
}

}  // namespace pmend::log
