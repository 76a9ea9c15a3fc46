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

void cnifti_place(void *header, int version, const int64_t size[3], nifti_dmat44 affine, int units, bool placed,
                  bool rotated) {
    double b, c, d, x, y, z, spacing[4];
    nifti_dmat44_to_quatern(affine, &b, &c, &d, &x, &y, &z, &spacing[1], &spacing[2], &spacing[3], &spacing[0]);
#define PLACE(typed)                                                                                         \
    memset((typed), 0, sizeof(*(typed)));                                                                    \
    (typed)->sizeof_hdr = sizeof(*(typed));                                                                  \
    memcpy((typed)->magic, version == 1 ? "n+1\0" : "n+2\0\r\n\032\n", sizeof((typed)->magic));               \
    for (int axis = 0; axis < 8; axis++) { (typed)->dim[axis] = (typed)->pixdim[axis] = 1; }                 \
    (typed)->dim[0] = 3;                                                                                     \
    for (int axis = 0; axis < 3; axis++) {                                                                   \
        (typed)->dim[axis + 1] = size[axis];                                                                 \
        (typed)->pixdim[axis + 1] = spacing[axis + 1];                                                       \
    }                                                                                                        \
    (typed)->xyzt_units = units;                                                                             \
    if (placed) {                                                                                            \
        (typed)->sform_code = NIFTI_XFORM_SCANNER_ANAT;                                                      \
        for (int axis = 0; axis < 4; axis++) {                                                               \
            (typed)->srow_x[axis] = affine.m[0][axis];                                                       \
            (typed)->srow_y[axis] = affine.m[1][axis];                                                       \
            (typed)->srow_z[axis] = affine.m[2][axis];                                                       \
        }                                                                                                    \
    }                                                                                                        \
    if (placed && rotated) {                                                                                 \
        (typed)->qform_code = NIFTI_XFORM_SCANNER_ANAT;                                                      \
        (typed)->pixdim[0] = spacing[0];                                                                     \
        (typed)->quatern_b = b, (typed)->quatern_c = c, (typed)->quatern_d = d;                              \
        (typed)->qoffset_x = x, (typed)->qoffset_y = y, (typed)->qoffset_z = z;                              \
    }
    WITH_HEADER(header, version, PLACE);
}

void cnifti_describe_labels(void *header, int version, int bytes_per_label) {
    // What is not copied here is 0: no text, and nothing else of the volume goes on.
#define COPY_FIELD(name) memcpy(&labels.name, &source.name, sizeof(labels.name))
#define DESCRIBE(typed)                                                                                      \
    __typeof__(*(typed)) source = *(typed), labels;                                                          \
    memset(&labels, 0, sizeof(labels));                                                                      \
    COPY_FIELD(sizeof_hdr), COPY_FIELD(magic), COPY_FIELD(dim), COPY_FIELD(pixdim);                          \
    COPY_FIELD(xyzt_units), COPY_FIELD(toffset);                                                             \
    COPY_FIELD(sform_code), COPY_FIELD(srow_x), COPY_FIELD(srow_y), COPY_FIELD(srow_z);                      \
    COPY_FIELD(qform_code), COPY_FIELD(quatern_b), COPY_FIELD(quatern_c), COPY_FIELD(quatern_d);             \
    COPY_FIELD(qoffset_x), COPY_FIELD(qoffset_y), COPY_FIELD(qoffset_z);                                     \
    labels.datatype = bytes_per_label == 1 ? NIFTI_TYPE_UINT8 : NIFTI_TYPE_UINT16;                           \
    labels.bitpix = (short)(8 * bytes_per_label);                                                            \
    labels.vox_offset = sizeof(labels) + 4;                                                                  \
    labels.scl_slope = 1;                                                                                    \
    strcpy(labels.descrip, "swift-sam labels");                                                              \
    *(typed) = labels;
    WITH_HEADER(header, version, DESCRIBE);
}
