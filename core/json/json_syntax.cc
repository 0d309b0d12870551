// A recogniser of its own rather than RapidJSON's reader, which refuses what RFC 8259 allows and
// devices send (1e400, 400 digits, a lone surrogate's escape) and takes a NUL byte for the end.
#include "core/json/json_syntax.h"

#include <array>
#include <bitset>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/json/utf8.h"

namespace latchwire {
namespace {

// Bytes that stand for themselves inside a string.
constexpr std::array<bool, 256> MakePlain() {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = MakePlain();

class JsonChecker {
 public:
  explicit JsonChecker(absl::string_view text)
      : begin_(text.data()), p_(text.data()), end_(text.data() + text.size()) {}

  bool Check() {
    SkipSpace();
    if (p_ == end_) return Fail("no value");
    if (!Values()) return false;
    SkipSpace();
    return p_ == end_ || Fail("unexpected text after the value");
  }

  std::string Error() const { return absl::StrCat(what_, " at byte ", p_ - begin_); }

 private:
  bool Fail(const char* what) {
    what_ = what;
    return false;
  }
  bool At(char c) const { return p_ < end_ && *p_ == c; }
  bool AtDigit() const { return p_ < end_ && absl::ascii_isdigit(static_cast<uint8_t>(*p_)); }
  void SkipSpace() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
  }

  // One value with all that is nested in it. A loop, not recursion: the stack stays flat.
  bool Values() {
    size_t depth = 0;
    while (true) {
      SkipSpace();
      if (At('{') || At('[')) {
        if (depth == kMaxJsonDepth) return Fail("nesting deeper than 512");
        const bool is_object = *p_++ == '{';
        is_object_[depth++] = is_object;
        SkipSpace();
        if (!At(is_object ? '}' : ']')) {
          if (is_object && !Key()) return false;
          continue;
        }
        ++p_;
        --depth;
      } else if (!Scalar()) {
        return false;
      }
      // A value is complete: close what it completes, up to the next value.
      while (true) {
        if (depth == 0) return true;
        const bool is_object = is_object_[depth - 1];
        SkipSpace();
        if (At(',')) {
          ++p_;
          SkipSpace();
          if (is_object && !Key()) return false;
          break;
        }
        if (!At(is_object ? '}' : ']')) return Fail(is_object ? "no , or }" : "no , or ]");
        ++p_;
        --depth;
      }
    }
  }

  bool Key() {
    if (!At('"')) return Fail("no member name");
    if (!String()) return false;
    SkipSpace();
    if (!At(':')) return Fail("no :");
    ++p_;
    return true;
  }

  bool Scalar() {
    if (p_ == end_) return Fail("unexpected end");
    switch (*p_) {
      case '"':
        return String();
      case 't':
        return Word("true");
      case 'f':
        return Word("false");
      case 'n':
        return Word("null");
      default:
        return Number();
    }
  }

  bool Word(absl::string_view word) {
    if (absl::string_view(p_, end_ - p_).substr(0, word.size()) != word) return Fail("no value");
    p_ += word.size();
    return true;
  }

  bool Digits() {
    if (!AtDigit()) return Fail("not a number");
    while (AtDigit()) ++p_;
    return true;
  }

  bool Number() {
    if (!At('-') && !AtDigit()) return Fail("no value");
    if (At('-')) ++p_;
    if (At('0')) {
      ++p_;
      if (AtDigit()) return Fail("a number with a leading zero");
    } else if (!Digits()) {
      return false;
    }
    if (At('.')) {
      ++p_;
      if (!Digits()) return false;
    }
    if (At('e') || At('E')) {
      ++p_;
      if (At('+') || At('-')) ++p_;
      if (!Digits()) return false;
    }
    return true;
  }

  bool String() {
    ++p_;
    while (true) {
      while (p_ < end_ && kPlain[static_cast<uint8_t>(*p_)]) ++p_;
      if (p_ == end_) return Fail("an unterminated string");
      const auto c = static_cast<uint8_t>(*p_);
      if (c == '"') {
        ++p_;
        return true;
      }
      if (c == '\\') {
        if (!Escape()) return false;
      } else if (c < 0x20) {
        return Fail("a control character in a string");
      } else {
        const size_t length = Utf8CharacterLength(p_, end_);
        if (length == 0) return Fail("bytes that are not UTF-8");
        p_ += length;
      }
    }
  }

  // A lone surrogate's escape passes, as in the RFC's grammar: the bytes go through as they are.
  bool Escape() {
    if (p_ + 1 == end_) return Fail("an unterminated string");
    const absl::string_view simple = "\"\\/bfnrt";
    if (simple.find(p_[1]) != absl::string_view::npos) {
      p_ += 2;
      return true;
    }
    if (p_[1] != 'u' || end_ - p_ < 6) return Fail("an invalid escape");
    for (int i = 2; i < 6; ++i) {
      if (!absl::ascii_isxdigit(static_cast<uint8_t>(p_[i]))) return Fail("an invalid escape");
    }
    p_ += 6;
    return true;
  }

  const char* const begin_;
  const char* p_;
  const char* const end_;
  const char* what_ = "";
  std::bitset<kMaxJsonDepth> is_object_;
};

}  // namespace

bool IsWellFormedJson(absl::string_view text, std::string* error) {
  JsonChecker checker(text);
  if (checker.Check()) return true;
  if (error != nullptr) *error = checker.Error();
  return false;
}

}  // namespace latchwire
