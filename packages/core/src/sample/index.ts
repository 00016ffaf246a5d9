export { lights } from './scene.ts';
export { generateTrafficLights, type TrafficLightOptions } from './traffic-lights.ts';
