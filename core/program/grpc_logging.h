// Logs the messages of gRPC and its libraries.
#pragma once

namespace latchwire {

// From now on their messages go through Log: gRPC's errors as warnings, since each is about one
// connection. Does nothing in builds without gRPC.
void LogLinesOfGrpc();

}  // namespace latchwire
