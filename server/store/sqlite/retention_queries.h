// What the cleaner looks at; a test looks at the plans.
#pragma once

namespace latchwire::sqlite {

inline constexpr char kFirstNumberAt[] =
    "SELECT first_number FROM event_minute WHERE tenant = ?1 AND minute >= ?2"
    " ORDER BY minute LIMIT 1";
inline constexpr char kOldestMinutes[] =
    "SELECT minute, first_number FROM event_minute WHERE tenant = ?1 ORDER BY minute LIMIT 2";
inline constexpr char kOldEvents[] =
    "SELECT key, id, type, source, subject, rest, data FROM event WHERE key >= ?1 AND key < ?2"
    " ORDER BY key LIMIT ?3";
inline constexpr char kHeldEvents[] =
    "SELECT event.key, id, type, source, subject, rest, data"
    " FROM held_event CROSS JOIN event ON event.key = held_event.key"
    " WHERE held_event.key >= ?1 AND held_event.key < ?2 ORDER BY held_event.key LIMIT ?3";

}  // namespace latchwire::sqlite
