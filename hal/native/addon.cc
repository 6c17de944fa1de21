// The door of the addon: registers each subject with the thread that loads it, and checks what comes from JavaScript.
#include "addon.h"

#include <cstdio>

namespace roger {
namespace {

bool refuse(napi_env env, const char* name, const char* expected) {
  char message[128];
  snprintf(message, sizeof message, "%s: expected %s", name, expected);
  napi_throw_type_error(env, nullptr, message);
  return false;
}

template <typename Element>
bool readArray(napi_env env, napi_value value, const char* name, napi_typedarray_type wanted, const char* expected,
               Span<Element>& into) {
  napi_typedarray_type type;
  void* data;
  bool is = false;
  if (value == nullptr || napi_is_typedarray(env, value, &is) != napi_ok || !is ||
      napi_get_typedarray_info(env, value, &type, &into.length, &data, nullptr, nullptr) != napi_ok || type != wanted)
    return refuse(env, name, expected);
  into.data = static_cast<Element*>(data);
  if (data == nullptr) into.length = 0;
  return true;
}

void forget(napi_env, void* held, void*) { delete static_cast<Held*>(held); }

// Externals of other addons do not carry it.
constexpr napi_type_tag ours = {0x526f6765722c2050, 0x5454206761746577};

}  // namespace

bool readBytes(napi_env env, napi_value value, const char* name, Span<uint8_t>& into) {
  return readArray(env, value, name, napi_uint8_array, "a Uint8Array", into);
}

bool readSamples(napi_env env, napi_value value, const char* name, Span<int16_t>& into) {
  return readArray(env, value, name, napi_int16_array, "an Int16Array", into);
}

bool readWords(napi_env env, napi_value value, const char* name, Span<int32_t>& into) {
  return readArray(env, value, name, napi_int32_array, "an Int32Array", into);
}

bool readInteger(napi_env env, napi_value value, const char* name, int32_t least, int32_t most, int32_t& into) {
  double given;
  if (value == nullptr || napi_get_value_double(env, value, &given) != napi_ok)
    return refuse(env, name, "an integer");
  if (!(given >= least && given <= most) || given != static_cast<double>(static_cast<int32_t>(given))) {
    char message[128];
    snprintf(message, sizeof message, "%s: %g, expected an integer from %d to %d", name, given, least, most);
    napi_throw_range_error(env, nullptr, message);
    return false;
  }
  into = static_cast<int32_t>(given);
  return true;
}

napi_value number(napi_env env, int32_t value) {
  napi_value result;
  return napi_create_int32(env, value, &result) == napi_ok ? result : nullptr;
}

napi_value text(napi_env env, const char* value) {
  napi_value result;
  return napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result) == napi_ok ? result : nullptr;
}

napi_value hold(napi_env env, std::unique_ptr<Held> held) {
  napi_value handle;
  if (napi_create_external(env, held.get(), forget, nullptr, &handle) != napi_ok) return nullptr;
  held.release();
  return napi_type_tag_object(env, handle, &ours) == napi_ok ? handle : nullptr;
}

Held* findHeld(napi_env env, napi_value handle, uint32_t kind) {
  bool is = false;
  void* found;
  if (handle != nullptr && napi_check_object_type_tag(env, handle, &ours, &is) == napi_ok && is &&
      napi_get_value_external(env, handle, &found) == napi_ok && static_cast<Held*>(found)->kind == kind)
    return static_cast<Held*>(found);
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) refuse(env, "handle", "one that was opened here");
  return nullptr;
}

}  // namespace roger

NAPI_MODULE_INIT() {
  napi_value interface = roger::number(env, roger::interfaceNumber);
  if (interface == nullptr || napi_set_named_property(env, exports, "interface", interface) != napi_ok) return nullptr;
  return roger::addOpus(env, exports) && roger::addSrtp(env, exports) && roger::addUdp(env, exports) ? exports : nullptr;
}
