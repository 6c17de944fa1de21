// What the files of the addon share: one file a subject (opus.cc, srtp.cc, udp.cc), each adding one object of plain
// functions to the exports. The addon is loaded by several threads at once (node_api.h: one napi_env each), so no file
// keeps a variable that outlives a call, except what is guarded or constant.
//
// Faults: arguments that the TypeScript beside it should never pass throw TypeError or RangeError; what a library says
// against its input comes back as a negative number, and the TypeScript makes the port's own error of it.
#pragma once

// uv.h comes from the same Node as these headers.
#define NAPI_VERSION 9
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace roger {

// Raise it whenever the exports change: hal/native/load.ts refuses an addon of another interface (a stale build).
constexpr int32_t interfaceNumber = 4;

// Each adds its object to the exports; false with an exception pending.
bool addOpus(napi_env env, napi_value exports);
bool addSrtp(napi_env env, napi_value exports);
bool addUdp(napi_env env, napi_value exports);

struct Function {
  const char* name;
  napi_callback call;
};

// An object of functions under `name` in the exports.
template <size_t count>
bool addFunctions(napi_env env, napi_value exports, const char* name, const Function (&functions)[count]) {
  napi_value subject;
  if (napi_create_object(env, &subject) != napi_ok) return false;
  for (const Function& function : functions) {
    napi_value value;
    if (napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.call, nullptr, &value) != napi_ok ||
        napi_set_named_property(env, subject, function.name, value) != napi_ok)
      return false;
  }
  return napi_set_named_property(env, exports, name, subject) == napi_ok;
}

// The arguments of a call; what is missing is undefined.
template <size_t count>
struct Arguments {
  napi_value at[count];

  Arguments(napi_env env, napi_callback_info info) {
    size_t given = count;
    if (napi_get_cb_info(env, info, &given, at, nullptr, nullptr) != napi_ok)
      for (napi_value& value : at) value = nullptr;
  }
  napi_value operator[](size_t index) const { return at[index]; }
};

// The arguments of a call of a function that belongs to a subject, and that; for the path of a packet.
template <typename Subject, size_t count>
Subject* argumentsOf(napi_env env, napi_callback_info info, napi_value (&values)[count]) {
  size_t given = count;
  void* data = nullptr;
  napi_get_cb_info(env, info, &given, values, nullptr, &data);
  return static_cast<Subject*>(data);
}

// The elements of a typed array, where they are: valid until JavaScript runs again. A detached one has none.
template <typename Element>
struct Span {
  Element* data = nullptr;
  size_t length = 0;
};

// Each of these is false with a TypeError or RangeError pending that names the argument.
bool readBytes(napi_env env, napi_value value, const char* name, Span<uint8_t>& into);
bool readSamples(napi_env env, napi_value value, const char* name, Span<int16_t>& into);
bool readWords(napi_env env, napi_value value, const char* name, Span<int32_t>& into);
bool readInteger(napi_env env, napi_value value, const char* name, int32_t least, int32_t most, int32_t& into);

napi_value number(napi_env env, int32_t value);
napi_value text(napi_env env, const char* value);

// What JavaScript holds by a handle. Deleted with the handle, at the latest when its thread ends; release what is
// worth it earlier in a close function of your own, and let calls find it closed.
struct Held {
  // One for each type, so that a handle of one is not taken for another.
  const uint32_t kind;
  explicit Held(uint32_t of) : kind(of) {}
  virtual ~Held() = default;
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
};

napi_value hold(napi_env env, std::unique_ptr<Held> held);
// null with a TypeError pending.
Held* findHeld(napi_env env, napi_value handle, uint32_t kind);

// `Type` states `static constexpr uint32_t of` and derives from Held.
template <typename Type>
Type* find(napi_env env, napi_value handle) {
  return static_cast<Type*>(findHeld(env, handle, Type::of));
}

}  // namespace roger
