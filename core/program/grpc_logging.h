// What gRPC and its libraries have to say.
#pragma once

namespace latchwire {

// Their lines go through Log from here on: its errors as warnings, since each is about one
// connection. Does nothing in builds without gRPC.
void LogLinesOfGrpc();

}  // namespace latchwire
