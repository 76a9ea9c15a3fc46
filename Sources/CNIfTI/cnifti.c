#include "CNIfTI.h"

// Hands `action` the header as the struct of its version.
#define WITH_HEADER(header, version, action)                                                                 \
    do {                                                                                                     \
        if ((version) == 1) {                                                                                \
            action((nifti_1_header *)(header));                                                              \
        } else {                                                                                             \
            action((nifti_2_header *)(header));                                                              \
        }                                                                                                    \
    } while (0)

int cnifti_make_native(void *header, size_t count, bool *swapped) {
    nifti_1_header *first = header;
    nifti_2_header *second = header;
    int32_t length;
    if (count < sizeof(*first)) { return 0; }
    memcpy(&length, header, sizeof(length));
    int32_t reversed = (int32_t)__builtin_bswap32((uint32_t)length);
    int version = 0;
    if (length == sizeof(*first) || reversed == sizeof(*first)) {
        version = memcmp(first->magic, "n+1", 4) == 0 ? 1 : 0;
    } else if ((length == sizeof(*second) || reversed == sizeof(*second)) && count >= sizeof(*second)) {
        version = memcmp(second->magic, "n+2\0\r\n\032\n", 8) == 0 ? 2 : 0;
    }
    *swapped = version != 0 && length != sizeof(*first) && length != sizeof(*second);
    if (*swapped) { swap_nifti_header(header, version); }
    return version;
}

void cnifti_dimensions(const void *header, int version, int64_t dimensions[8]) {
#define COPY(typed)                                                                                          \
    for (int axis = 0; axis < 8; axis++) { dimensions[axis] = (typed)->dim[axis]; }
    WITH_HEADER(header, version, COPY);
}

int cnifti_datatype(const void *header, int version) {
    return version == 1 ? ((const nifti_1_header *)header)->datatype
                        : ((const nifti_2_header *)header)->datatype;
}

double cnifti_voxel_offset(const void *header, int version) {
    return version == 1 ? ((const nifti_1_header *)header)->vox_offset
                        : (double)((const nifti_2_header *)header)->vox_offset;
}

void cnifti_scaling(const void *header, int version, double *slope, double *intercept) {
#define SCALING(typed) *slope = (typed)->scl_slope, *intercept = (typed)->scl_inter;
    WITH_HEADER(header, version, SCALING);
}

void cnifti_qform(const void *header, int version, double spacing[3], double quaternion[3], double shift[3]) {
#define QFORM(typed)                                                                                         \
    for (int axis = 0; axis < 3; axis++) { spacing[axis] = (typed)->pixdim[axis + 1]; }                      \
    quaternion[0] = (typed)->quatern_b, quaternion[1] = (typed)->quatern_c;                                  \
    quaternion[2] = (typed)->quatern_d;                                                                      \
    shift[0] = (typed)->qoffset_x, shift[1] = (typed)->qoffset_y, shift[2] = (typed)->qoffset_z;
    WITH_HEADER(header, version, QFORM);
}

nifti_image *cnifti_image(const void *header, int version) {
    // 2-D files often give the third axis no size, which makes for no affine where there is no form either.
#define MEND(typed)                                                                                          \
    for (int axis = 1; axis <= 3; axis++) {                                                                  \
        if (!((typed)->pixdim[axis] > 0)) { (typed)->pixdim[axis] = 1; }                                     \
    }
    union {
        nifti_1_header first;
        nifti_2_header second;
    } copy;
    memcpy(&copy, header, version == 1 ? sizeof(copy.first) : sizeof(copy.second));
    WITH_HEADER(&copy, version, MEND);
    nifti_set_debug_level(0);
    return version == 1 ? nifti_convert_n1hdr2nim(copy.first, NULL)
                        : nifti_convert_n2hdr2nim(copy.second, NULL);
}

void cnifti_describe_labels(void *header, int version, int bytes_per_label) {
#define DESCRIBE(typed)                                                                                      \
    (typed)->datatype = bytes_per_label == 1 ? NIFTI_TYPE_UINT8 : NIFTI_TYPE_UINT16;                         \
    (typed)->bitpix = (short)(8 * bytes_per_label);                                                          \
    (typed)->vox_offset = version == 1 ? sizeof(nifti_1_header) + 4 : sizeof(nifti_2_header) + 4;            \
    (typed)->scl_slope = 1;                                                                                  \
    (typed)->scl_inter = 0;                                                                                  \
    (typed)->cal_min = (typed)->cal_max = 0;                                                                 \
    (typed)->intent_code = NIFTI_INTENT_NONE;                                                                \
    (typed)->intent_p1 = (typed)->intent_p2 = (typed)->intent_p3 = 0;                                        \
    memset((typed)->intent_name, 0, sizeof((typed)->intent_name));                                           \
    memset((typed)->aux_file, 0, sizeof((typed)->aux_file));                                                 \
    memset((typed)->descrip, 0, sizeof((typed)->descrip));                                                   \
    strcpy((typed)->descrip, "swift-sam labels");
    WITH_HEADER(header, version, DESCRIBE);
}
