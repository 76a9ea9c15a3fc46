// libnifti's headers include <znzlib.h> without its folder: this forwards them to it.
#include <nifti/znzlib.h>
