/**
 * The one source of random numbers: the native counter-based generator, so that a number depends
 * on nothing but its stream, and CPU, CUDA and TypeScript draw the same ones.
 */
export { permutation, type RandomStream, randomDomain, uniforms } from '@headstart/native';
