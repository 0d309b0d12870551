// Package version holds the version of this build.
package version

// Version is that of the whole project, see its CMakeLists.txt; a test compares them.
const Version = "0.1.0"
