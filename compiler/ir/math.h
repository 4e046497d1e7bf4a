/* math.h: exp log tanh sigmoid sin cos erf pow of nnc, as scalar C: what the interpreter computes and what machine code
** must compute, to the last bit. They are written in math.def, where their errors and limits are stated.
**
** Not libm: nothing here sets errno or promises flags. Rounding must be to nearest and subnormals must be on. */
#ifndef NNC_IR_MATH_H
#define NNC_IR_MATH_H

float math_f32_exp(float x);
float math_f32_log(float x);
float math_f32_tanh(float x);
float math_f32_sigmoid(float x); /* 1 / (1 + exp(-x)) */
float math_f32_sin(float x);
float math_f32_cos(float x);
float math_f32_erf(float x);
float math_f32_pow(float x, float y);

double math_f64_exp(double x);
double math_f64_log(double x);
double math_f64_tanh(double x);
double math_f64_sigmoid(double x);
double math_f64_sin(double x);
double math_f64_cos(double x);
double math_f64_erf(double x);
double math_f64_pow(double x, double y);
#endif
