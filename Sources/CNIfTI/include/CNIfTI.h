// The two versions of the NIfTI header behind one set of functions, on top of libnifti.
#pragma once
#include <nifti/nifti2_io.h>
#include <stdbool.h>
#include <zlib.h>

enum { CNIFTI_LONGEST_HEADER = sizeof(nifti_2_header) };

// Tells by the first `count` bytes of a file which version of a one-file NIfTI header they are (1 or 2) and
// turns them into this machine's byte order, telling whether they had to be; 0 where they are neither.
int cnifti_make_native(void *header, size_t count, bool *swapped);

// The dimensions as the file has them: libnifti's own reader mends bad ones in silence.
void cnifti_dimensions(const void *header, int version, int64_t dimensions[8]);

// The code of the voxels' type.
int cnifti_datatype(const void *header, int version);

// Where the voxels begin in the file, in bytes.
double cnifti_voxel_offset(const void *header, int version);

// How stored values are scaled, as the file has it: libnifti takes what is not finite for 0.
void cnifti_scaling(const void *header, int version, double *slope, double *intercept);

// What the qform is made of, as the file has it: the voxel sizes, the numbers b, c and d of the quaternion,
// and the offset. libnifti takes what is not finite for 0, and sizes that are none for 1.
void cnifti_qform(const void *header, int version, double spacing[3], double quaternion[3], double shift[3]);

// libnifti's reading of a native header, voxel sizes that are none taken for 1; to be freed with `free`, null
// where libnifti finds it unusable.
nifti_image *cnifti_image(const void *header, int version);

// Makes a native header that says how large a volume is and, where it is placed, where its voxels are: by the
// sform, and by the qform too where the axes are only rotated. Its voxels are not described yet.
void cnifti_place(void *header, int version, const int64_t size[3], nifti_dmat44 affine, int units, bool placed,
                  bool rotated);

// Makes a native header one of unscaled labels of 1 or 2 bytes that follow it. What says where the voxels are in
// the world stays as it is (dimensions, voxel sizes, units, the offset in time, both forms); all else is cleared.
void cnifti_describe_labels(void *header, int version, int bytes_per_label);
