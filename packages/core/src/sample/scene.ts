import { type Draw, rgb, varied } from './draw.ts';

export const lights = ['red', 'yellow', 'green'] as const;
export type Light = (typeof lights)[number];

const lit: Record<Light, readonly number[]> = {
  red: [245, 45, 35],
  yellow: [250, 190, 40],
  green: [40, 225, 130],
};
const unlit: Record<Light, readonly number[]> = {
  red: [70, 22, 20],
  yellow: [72, 58, 20],
  green: [18, 58, 38],
};

/** One picture: what is drawn, as SVG, and how the camera spoils it. */
export interface Scene {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
  /** Standard deviation of the blur, in pixels. */
  readonly blur: number;
  /** Standard deviation of the noise, in levels. */
  readonly noise: number;
  /** JPEG quality. */
  readonly quality: number;
}

/** A traffic light that shows `light`, somewhere in a street, by day or at night. */
export function drawScene(light: Light, draw: Draw): Scene {
  const height = Math.round(draw.between(90, 260));
  const width = Math.round(height * draw.between(0.45, 0.8));
  const night = draw.chance(0.3);
  const parts = [
    background(draw, width, height, night),
    trafficLight(light, draw, width, height, night),
  ];
  if (draw.chance(0.25)) parts.push(branch(draw, width, height, night));
  const small = Math.min(width, height);
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts.join('')}</svg>`,
    width,
    height,
    blur: draw.chance(0.5) ? draw.between(0.3, 0.012 * small) : 0,
    noise: draw.between(1, night ? 16 : 9),
    quality: Math.round(draw.between(55, 95)),
  };
}

const dayTints = [
  [176, 206, 235],
  [205, 212, 218],
  [236, 214, 186],
  [150, 170, 190],
];
const houses = [
  [150, 120, 100],
  [120, 125, 132],
  [172, 158, 140],
  [96, 84, 80],
];

/** Sky, houses and trees, with windows, brake lights and signs in the colours of the lights. */
function background(draw: Draw, width: number, height: number, night: boolean): string {
  const dim = night ? 0.16 : 1;
  const shade = (levels: readonly number[], amount = 20) =>
    rgb(varied(draw, levels, amount).map((v) => v * dim));
  const parts = [
    `<rect width="${width}" height="${height}" fill="${shade(draw.pick(dayTints))}"/>`,
  ];
  for (let i = 0, count = Math.floor(draw.between(0, 5)); i < count; i++) {
    const [x, w] = [draw.between(-0.2, 0.9) * width, draw.between(0.2, 0.6) * width];
    const top = draw.between(0.1, 0.7) * height;
    parts.push(
      `<rect x="${x}" y="${top}" width="${w}" height="${height}" fill="${shade(draw.pick(houses))}"/>`,
    );
  }
  for (let i = 0, count = Math.floor(draw.between(0, 4)); i < count; i++) {
    const [x, y] = [draw.between(0, width), draw.between(0.3, 1) * height];
    const leaf = shade([62, 98, 52]);
    parts.push(
      `<ellipse cx="${x}" cy="${y}" rx="${draw.between(0.1, 0.3) * width}" ry="${draw.between(0.1, 0.25) * height}" fill="${leaf}"/>`,
    );
  }
  for (let i = 0, count = Math.floor(draw.between(0, 5)); i < count; i++) {
    parts.push(distraction(draw, width, height, night));
  }
  return parts.join('');
}

/** Something coloured that is not a traffic light: a window, a brake light, a sign. */
function distraction(draw: Draw, width: number, height: number, night: boolean): string {
  const colours = [...Object.values(lit), [240, 230, 190], [90, 120, 200]];
  const colour = rgb(varied(draw, draw.pick(colours), 40).map((v) => v * (night ? 0.8 : 0.7)));
  const size = draw.between(0.02, 0.09) * width;
  const [x, y] = [draw.between(0, width), draw.between(0, height)];
  return draw.chance(0.5)
    ? `<rect x="${x}" y="${y}" width="${size}" height="${size * draw.between(0.6, 1.8)}" fill="${colour}"/>`
    : `<circle cx="${x}" cy="${y}" r="${size / 2}" fill="${colour}"/>`;
}

/** Housing, three lamps from the top (red, yellow, green), one of them lit, with its glow. */
function trafficLight(
  light: Light,
  draw: Draw,
  width: number,
  height: number,
  night: boolean,
): string {
  const tall = draw.between(0.64, 0.96) * height;
  const wide = Math.min(tall * draw.between(0.36, 0.46), 0.9 * width);
  const left = draw.between(0.02 * width, Math.max(0.03 * width, 0.98 * width - wide));
  const top = draw.between(0.01, 0.99 - tall / height) * height;
  const body = varied(
    draw,
    draw.pick([
      [28, 28, 30],
      [40, 44, 36],
      [150, 120, 30],
      [62, 62, 66],
    ]),
    10,
  );
  const dim = night ? 0.35 : 1;
  const parts = [
    `<rect x="${left + wide * 0.42}" y="${top + tall}" width="${wide * 0.16}" height="${height}" fill="${rgb(body.map((v) => v * dim * 0.8))}"/>`,
    `<rect x="${left}" y="${top}" width="${wide}" height="${tall}" rx="${wide * draw.between(0.05, 0.3)}" fill="${rgb(body.map((v) => v * dim))}"/>`,
  ];
  const radius = Math.min(wide * 0.38, tall * 0.135);
  const spacing = draw.between(0.29, 0.31) * tall;
  for (const [place, name] of lights.entries()) {
    const [x, y] = [left + wide / 2, top + tall / 2 + (place - 1) * spacing];
    parts.push(lamp(draw, { x, y, radius, name, isLit: name === light, dim }));
  }
  const tilt = draw.between(-9, 9);
  return `<g transform="rotate(${tilt} ${left + wide / 2} ${top + tall / 2})">${parts.join('')}</g>`;
}

interface Lamp {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly name: Light;
  readonly isLit: boolean;
  readonly dim: number;
}

function lamp(draw: Draw, { x, y, radius, name, isLit, dim }: Lamp): string {
  if (!isLit) {
    // The sun on an unlit lamp makes it look half lit.
    const sun = draw.chance(0.2) ? draw.between(1.2, 2) : 1;
    const colour = rgb(varied(draw, unlit[name], 12).map((v) => v * dim * sun));
    return `<circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"/>`;
  }
  const strength = draw.between(0.7, 1);
  const colour = rgb(varied(draw, lit[name], 25).map((v) => v * strength));
  const glow = draw.between(1.2, dim < 1 ? 2.2 : 1.6);
  const core = rgb(lit[name].map((v) => v * 0.5 + 128));
  return [
    `<circle cx="${x}" cy="${y}" r="${radius * glow}" fill="${colour}" opacity="${draw.between(0.1, 0.35)}"/>`,
    `<circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"/>`,
    `<circle cx="${x}" cy="${y}" r="${radius * draw.between(0.2, 0.6)}" fill="${core}" opacity="${draw.between(0.2, 0.8)}"/>`,
  ].join('');
}

/** A branch or a wire across the picture. */
function branch(draw: Draw, width: number, height: number, night: boolean): string {
  const colour = rgb(varied(draw, night ? [12, 14, 12] : [60, 56, 44], 12));
  const y = draw.between(0, height);
  const end = y + draw.between(-0.4, 0.4) * height;
  return `<line x1="0" y1="${y}" x2="${width}" y2="${end}" stroke="${colour}" stroke-width="${draw.between(0.008, 0.03) * width}"/>`;
}
