// acoGO! gateways (docs: "Webhooki bramki acoGO!"). An event's data is a JSON object of the query
// parameters, without the token.
#include "core/catalogue/systems.h"

namespace latchwire {

CatalogueSystem AcogoSystem() {
  return {.name = "acogo",
          .description = "acoGO! intercom gateways",
          .types = {
              // The product calls the released strike an opened door; it has no sensor on the door.
              {.name = "acogo.ez_open",
               .canonical_type = "door.opened",
               .description = "The gateway released the electric strike (EZ Open).",
               .example = R"({"gateway":"gate-1","model":"acoGO!","origin":"gateway"})"},
              {.name = "acogo.f2_open",
               .canonical_type = "output.triggered",
               .description = "The gateway switched its output F2, usually a gate (F2 Open).",
               .example = R"({"gateway":"gate-1","model":"acoGO!","origin":"gateway"})"},
              {.name = "acogo.video_switch_with_address",
               .canonical_type = "video.switched",
               .description = "The video switch went over to the camera with an address; PRO only.",
               .example = R"({"gateway":"gate-1","model":"acoGO! Pro","address":"12"})"},
              {.name = "acogo.io_module_ring",
               .canonical_type = "ring.pressed",
               .description = "Somebody rang through the PRO-I/O module; PRO only.",
               .example = R"({"gateway":"gate-1","model":"acoGO! Pro","origin":"gateway"})"},
          }};
}

}  // namespace latchwire
