package version

import (
	"os"
	"strings"
	"testing"
)

func TestVersionIsTheProjects(t *testing.T) {
	text, err := os.ReadFile("../../../../CMakeLists.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "project(Latchwire VERSION "+Version+" ") {
		t.Errorf("the project's CMakeLists.txt does not say VERSION %s", Version)
	}
}
