export { createKeys, type KeyIdentity, type KeyInfo, type Keys, type KeysOptions } from './create-keys.ts'
export { keyNamePattern } from './key-name.ts'
export { type KeyScope, keyScopes, toKeyScope } from './scopes.ts'
