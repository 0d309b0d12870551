// The systems, each defined in its own file, for the table in catalogue.cc only. Rows name a
// canonical type; its priority and act-by age are filled in there, so that one meaning has one
// urgency.
#pragma once

#include <vector>

#include "core/catalogue/catalogue.h"

namespace latchwire {

CatalogueSystem AcogoSystem();
CatalogueSystem TwentySystem();
CatalogueSystem MultisiteSystem();
CatalogueSystem SituatorSystem();
CatalogueSystem PanelSystem();
CatalogueSystem LatchwireSystem();

// The vocabulary that the rows of all systems name, complete with priority and act-by age.
std::vector<CatalogueType> CanonicalVocabulary();

}  // namespace latchwire
