// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/json_text.hpp"

#include "pmend/base/text.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace pmend {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Walks over the tokens of a text that the parser has already taken, one per call, to know where each begins: the
// parser itself tells no places.
class TokenWalker {
 public:
  explicit TokenWalker(std::string_view text) : text_(text) {}

  JsonPlace next() {
    skip_between();
    const JsonPlace start = place_;
    skip_token();
    return start;
  }

  // The place of the byte at `offset`, which lies ahead.
  JsonPlace place_at(std::size_t offset) {
    while (at_ < offset && at_ < text_.size()) {
      step();
    }
    return place_;
  }

 private:
  void step() {
    const auto c = static_cast<unsigned char>(text_[at_++]);
    if (c == '\n') {
      ++place_.line;
      place_.column = 1;
    } else if (at_ == text_.size() || (static_cast<unsigned char>(text_[at_]) & 0xC0U) != 0x80U) {
      ++place_.column;  // the next byte begins a character
    }
  }

  void step_past(std::string_view end) {
    const std::size_t found = text_.find(end, at_);
    place_at(found == std::string_view::npos ? text_.size() : found + end.size());
  }

  void skip_between() {
    while (at_ < text_.size()) {
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("//")) {
        step_past("\n");
      } else if (rest.starts_with("/*")) {
        place_at(at_ + 2);
        step_past("*/");
      } else if (is_space(rest.front()) || rest.front() == ',' || rest.front() == ':') {
        step();
      } else {
        return;
      }
    }
  }

  void skip_token() {
    if (at_ == text_.size()) {
      return;
    }
    const char first = text_[at_];
    step();
    if (first == '"') {
      while (at_ < text_.size() && text_[at_] != '"') {
        place_at(at_ + (text_[at_] == '\\' ? 2 : 1));
      }
      place_at(at_ + 1);
    } else if (std::string_view("{}[]").find(first) == std::string_view::npos) {
      place_at(text_.find_first_of(" \t\r\n,:]}/", at_));
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  JsonPlace place_;
};

// The library's text without its own place, which we tell better.
std::string parser_message(std::string_view what) {
  if (const std::size_t end = what.find("] "); end != std::string_view::npos) {
    what.remove_prefix(end + 2);
  }
  if (what.starts_with("parse error at")) {
    what.remove_prefix(what.find(": ") + 2);
  }
  constexpr std::size_t kMost = 200;
  return escape_bytes(what.substr(0, kMost));
}

class TreeBuilder final : public nlohmann::json_sax<Json> {
 public:
  TreeBuilder(std::string_view text, const JsonTextOptions& options) : text_(text), walker_(text), options_(options) {}

  bool null() override { return add(Json()) != nullptr; }
  bool boolean(bool value) override { return add(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return add(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return add(value) != nullptr; }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value) != nullptr; }
  bool string(string_t& value) override { return add(std::move(value)) != nullptr; }
  bool binary(binary_t& /*value*/) override { return false; }  // not in JSON text

  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    const JsonPlace place = walker_.next();
    Level& level = levels_.back();
    if (level.container->contains(value)) {
      std::string message = "key \"" + escape_bytes(value) + "\" is there twice";
      if (!options_.collect_duplicates) {
        return stop(place, level.pointer, std::move(message));
      }
      result_.duplicates.push_back({place, level.pointer, std::move(message)});
    }
    level.key = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& problem) override {
    // Counted afresh: the parser may have cut a token shorter than the walker did.
    const JsonPlace place = TokenWalker(text_).place_at(position == 0 ? 0 : position - 1);
    return stop(place, pointer_of_next(), parser_message(problem.what()));
  }

  JsonText take() { return std::move(result_); }
  JsonTextError error() const { return error_.value_or(JsonTextError{{}, {}, "not JSON"}); }

 private:
  // A container that is not complete yet.
  struct Level {
    Json* container;
    std::string pointer;
    std::string key;  // of the member that follows
  };

  std::string pointer_of_next() const {
    if (levels_.empty()) {
      return {};
    }
    const Level& level = levels_.back();
    return level.container->is_array() ? pointer_to(level.pointer, std::to_string(level.container->size()))
                                       : pointer_to(level.pointer, level.key);
  }

  // The value in its place in the tree.
  Json* add(Json value) {
    const JsonPlace place = walker_.next();
    if (options_.places) {
      result_.places.insert_or_assign(pointer_of_next(), place);
    }
    if (levels_.empty()) {
      result_.value = std::move(value);
      return &result_.value;
    }
    Level& level = levels_.back();
    if (level.container->is_array()) {
      level.container->push_back(std::move(value));
      return &level.container->back();
    }
    Json& member = (*level.container)[level.key];
    member = std::move(value);
    return &member;
  }

  bool open(Json container) {
    std::string pointer = pointer_of_next();
    if (levels_.size() >= options_.depth_limit) {
      return stop(walker_.next(), std::move(pointer),
                  "nested too deep, expected at most " + std::to_string(options_.depth_limit) + " levels");
    }
    levels_.push_back({add(std::move(container)), std::move(pointer), {}});
    return true;
  }

  bool close() {
    walker_.next();
    levels_.pop_back();
    return true;
  }

  bool stop(const JsonPlace& place, std::string pointer, std::string message) {
    error_ = JsonTextError{place, std::move(pointer), std::move(message)};
    return false;
  }

  std::string_view text_;
  TokenWalker walker_;
  const JsonTextOptions& options_;
  std::vector<Level> levels_;
  JsonText result_;
  std::optional<JsonTextError> error_;
};

// What the parser would take, or read past, without a word.
std::optional<JsonTextError> refuse_whole(std::string_view text, const JsonTextOptions& options) {
  if (text.size() > options.size_limit) {
    return JsonTextError{{}, {}, "too long, expected at most " + std::to_string(options.size_limit) + " bytes"};
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return JsonTextError{{}, {}, "starts with a byte order mark"};
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return JsonTextError{TokenWalker(text).place_at(nul), {}, "holds a NUL byte"};
  }
  return std::nullopt;
}

}  // namespace

std::string JsonTextError::to_string() const {
  return std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + escape_bytes(pointer) +
         (pointer.empty() ? "" : ": ") + message;
}

tl::expected<JsonText, JsonTextError> parse_json_text(std::string_view text, const JsonTextOptions& options) {
  if (auto error = refuse_whole(text, options)) {
    return tl::make_unexpected(std::move(*error));
  }
  TreeBuilder builder(text, options);
  if (!Json::sax_parse(text.begin(), text.end(), &builder, nlohmann::json::input_format_t::json, true,
                       options.comments)) {
    return tl::make_unexpected(builder.error());
  }
  return builder.take();
}

JsonPlace place_of(const JsonPlaces& places, std::string_view pointer) {
  for (;;) {
    if (const auto found = places.find(pointer); found != places.end()) {
      return found->second;
    }
    const std::size_t slash = pointer.rfind('/');
    if (slash == std::string_view::npos) {
      return {};
    }
    pointer = pointer.substr(0, slash);
  }
}

std::string pointer_to(std::string_view pointer, std::string_view key) {
  std::string out(pointer);
  out += '/';
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string to_json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace pmend
