export { type Registry, type RegistryOptions, createRegistry } from './registry.js'
