// The C library of Amazon Linux 2023 is version 2.34; in 2.35 hypot and hypotf got new symbol versions, which a binary that
// is linked here would ask for. Defined in the binary itself, the loader asks no library for them.
#include <math.h>

double hypot(double x, double y) { return sqrt(x * x + y * y); }
float hypotf(float x, float y) { return sqrtf(x * x + y * y); }
