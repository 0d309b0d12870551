// Package jsonscan finds byte ranges in JSON text without decoding it, so that the bytes can be
// passed on exactly as they came: number spelling, key order, duplicate keys, escapes and spaces.
package jsonscan

import (
	"fmt"
	"unicode/utf8"
)

// A SyntaxError says where a text stops being one JSON value, and why.
type SyntaxError struct {
	Offset int // in bytes from the start
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Reason)
}

// Valid returns nil if text is one JSON value (RFC 8259) in UTF-8 with white space around it, its
// arrays and objects nested maxDepth deep at most; else a *SyntaxError. Halves of surrogate pairs
// as escapes are accepted. It does not recurse.
func Valid(text []byte, maxDepth int) error {
	s := scanner{text: text, maxDepth: maxDepth}
	s.skipSpace()
	if !s.value() {
		return &SyntaxError{Offset: s.pos, Reason: s.reason}
	}
	s.skipSpace()
	if s.pos != len(text) {
		return &SyntaxError{Offset: s.pos, Reason: "text after the value"}
	}
	return nil
}

type scanner struct {
	text     []byte
	maxDepth int
	pos      int
	reason   string
	closers  []byte // of the arrays and objects that are open
}

func (s *scanner) fail(reason string) bool {
	s.reason = reason
	return false
}

// peek returns the byte at the current position, 0 at the end of the text.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) skipSpace() { s.pos = skipSpace(s.text, s.pos) }

func skipSpace(text []byte, pos int) int {
	for pos < len(text) {
		switch text[pos] {
		case ' ', '\t', '\r', '\n':
			pos++
		default:
			return pos
		}
	}
	return pos
}

// value passes over the value that starts at the current position.
func (s *scanner) value() bool {
	for {
		// At the start of a value.
		switch c := s.peek(); {
		case c == '{' || c == '[':
			if len(s.closers) == s.maxDepth {
				return s.fail(fmt.Sprintf("nested deeper than %d", s.maxDepth))
			}
			s.pos++
			s.closers = append(s.closers, c+2) // '{' and '}', '[' and ']' are two apart
			s.skipSpace()
			if s.peek() == c+2 {
				break // empty: closed below
			}
			if c == '{' && !s.key() {
				return false
			}
			continue
		case c == '"':
			if !s.string() {
				return false
			}
		case c == '-' || isDigit(c):
			if !s.number() {
				return false
			}
		default:
			if !s.literal() {
				return false
			}
		}
		// After a value, or at the closer of an empty array or object.
		for {
			if len(s.closers) == 0 {
				return true
			}
			s.skipSpace()
			closer := s.closers[len(s.closers)-1]
			if s.peek() == closer {
				s.pos++
				s.closers = s.closers[:len(s.closers)-1]
				continue
			}
			if s.peek() != ',' {
				return s.fail("expected ',' or '" + string(rune(closer)) + "'")
			}
			s.pos++
			s.skipSpace()
			if closer == '}' && !s.key() {
				return false
			}
			break
		}
	}
}

// key passes over a member's name and its colon, up to the value.
func (s *scanner) key() bool {
	if s.peek() != '"' {
		return s.fail("expected a member name in quotes")
	}
	if !s.string() {
		return false
	}
	s.skipSpace()
	if s.peek() != ':' {
		return s.fail("expected ':'")
	}
	s.pos++
	s.skipSpace()
	return true
}

func (s *scanner) string() bool {
	for s.pos++; s.pos < len(s.text); {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < 0x20:
			return s.fail("control character in a string: escape it")
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRune(s.text[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return s.fail("not UTF-8")
			}
			s.pos += size
		}
	}
	return s.fail("string without end")
}

func (s *scanner) escape() bool {
	if s.pos+1 >= len(s.text) {
		return s.fail("string without end")
	}
	switch s.text[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return true
	case 'u':
		for i := 2; i < 6; i++ {
			if s.pos+i >= len(s.text) || !isHex(s.text[s.pos+i]) {
				return s.fail("expected four hexadecimal digits after \\u")
			}
		}
		s.pos += 6
		return true
	}
	return s.fail("unknown escape")
}

func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return s.fail("expected a digit")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.fail("expected a digit after '.'")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.fail("expected a digit in the exponent")
		}
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) literal() bool {
	for _, word := range [...]string{"true", "false", "null"} {
		if end := s.pos + len(word); end <= len(s.text) && string(s.text[s.pos:end]) == word {
			s.pos = end
			return true
		}
	}
	return s.fail("expected a value")
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
